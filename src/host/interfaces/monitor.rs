//! A socket on which the kernel reports that interfaces changed.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{NetlinkAddr, bind, recvfrom};

use super::netlink;
use crate::host::errors::reason::refused;

/// A socket that becomes readable when a link or an IPv4 address is added, removed or changed.
pub(crate) struct Monitor {
    fd: OwnedFd,
}

impl Monitor {
    pub(crate) fn new() -> io::Result<Self> {
        let fd = netlink::open().map_err(|errno| refused("socket of AF_NETLINK", errno))?;
        let groups = libc::RTMGRP_LINK | libc::RTMGRP_IPV4_IFADDR;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, u32::try_from(groups).unwrap_or(0)))
            .map_err(|errno| refused("bind of AF_NETLINK", errno))?;
        Ok(Self { fd })
    }

    /// Receives all waiting messages. True if the kernel reported a change.
    ///
    /// # Errors
    ///
    /// The kernel refuses to receive.
    pub(crate) fn drain(&self) -> io::Result<bool> {
        let mut changed = false;
        // Only the arrival of a message matters, not its content: one byte of each is enough.
        let mut byte = [0];
        loop {
            match recvfrom::<NetlinkAddr>(self.fd.as_raw_fd(), &mut byte) {
                // Other processes can send to this socket; only the kernel has port 0.
                Ok((_, from)) => changed |= from.is_some_and(|from| from.pid() == 0),
                Err(Errno::EAGAIN) => return Ok(changed),
                Err(Errno::EINTR) => {}
                // Messages were lost, so something changed.
                Err(Errno::ENOBUFS) => changed = true,
                Err(errno) => return Err(refused("recvfrom", errno)),
            }
        }
    }

    pub(crate) fn raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{MsgFlags, recv};

    #[test]
    fn only_a_message_of_the_kernel_reports_a_change() {
        let monitor = Monitor::new().unwrap();
        netlink::forge(monitor.raw_fd());
        assert!(!monitor.drain().unwrap());
        // The message was received all the same, so it does not make the socket readable for ever.
        assert_eq!(recv(monitor.raw_fd(), &mut [0], MsgFlags::MSG_PEEK), Err(Errno::EAGAIN));
    }

    #[test]
    fn an_unprivileged_process_can_watch() {
        assert!(!Monitor::new().unwrap().drain().unwrap());
    }
}
