//! Filters of system calls: they make foghorn run as in a sandbox or on an older kernel.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::errno::Errno;
use nix::libc::{self, c_long, sock_filter, sock_fprog};

use crate::common::foghorn;

/// The calls that a filter selects: a number, and the position and value of one argument.
pub(crate) type Calls = (c_long, Option<(u32, u32)>);

pub(crate) const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
pub(crate) const IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
pub(crate) const RETURN: u16 = 0x06; // BPF_RET | BPF_K

pub(crate) const fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

pub(crate) fn number(call: c_long) -> u32 {
    call.try_into().unwrap()
}

/// A filter that makes those calls fail, and no others.
pub(crate) fn refusing((call, argument): Calls, errno: Errno) -> Vec<sock_filter> {
    let refuse = libc::SECCOMP_RET_ERRNO | u32::try_from(errno as i32).unwrap();
    // A filter sees the number, the architecture, eight bytes of address, and six arguments of
    // eight bytes. It loads four bytes at a time: here the lower half of an argument.
    let lower = if cfg!(target_endian = "big") { 4 } else { 0 };
    let mut filter = vec![instruction(LOAD, 0, 0, 0)];
    if let Some((position, value)) = argument {
        filter.push(instruction(IF_EQUAL, 0, 3, number(call)));
        filter.push(instruction(LOAD, 0, 0, 16 + 8 * position + lower));
        filter.push(instruction(IF_EQUAL, 0, 1, value));
    } else {
        filter.push(instruction(IF_EQUAL, 0, 1, number(call)));
    }
    filter.push(instruction(RETURN, 0, 0, refuse));
    filter.push(instruction(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW));
    filter
}

/// Foghorn behind that filter.
#[expect(unsafe_code, reason = "no library installs a filter between fork and exec")]
pub(crate) fn behind(mut filter: Vec<sock_filter>) -> Command {
    let mut command = foghorn();
    let install = move || {
        rustix::thread::set_no_new_privs(true)?;
        let program =
            sock_fprog { len: filter.len().try_into().unwrap(), filter: filter.as_mut_ptr() };
        // SAFETY: the program and its instructions live until the call returns; the kernel copies
        // them.
        let installed = unsafe {
            libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program)
        };
        Errno::result(installed).map(drop).map_err(io::Error::from)
    };
    // SAFETY: between fork and exec it makes two system calls and allocates nothing.
    unsafe { command.pre_exec(install) };
    command
}
