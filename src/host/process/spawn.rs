//! Starts another program.

use std::ffi::{CStr, CString, c_char};
use std::mem::MaybeUninit;
use std::ptr;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::Pid;

/// Starts a program with no signal blocked, and only those signals ignored that this process was
/// told to ignore. The first argument is the program's name.
///
/// # Errors
///
/// The kernel cannot run it: there is no such program, for example.
// Not nix's `posix_spawn`: that takes a list of what to do with files, and with its end musl's
// allocator comes along, 2 kB.
#[expect(unsafe_code, reason = "no library has this function without the list")]
pub(crate) fn spawn(
    path: &CStr,
    arguments: &[CString],
    environment: &[CString],
) -> nix::Result<Pid> {
    let [arguments, environment] = [arguments, environment].map(pointers);
    let (none_blocked, by_default) = (SigSet::empty(), SigSet::from(Signal::SIGPIPE));
    // The standard library has SIGPIPE ignored.
    let flags = libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK;
    let flags = libc::c_short::try_from(flags).map_err(|_| Errno::EINVAL)?;
    let mut attributes = MaybeUninit::uninit();
    let mut pid = 0;
    // SAFETY: each function gets pointers to what lives until it has returned. The attributes are
    // initialised before they are used, and have nothing to be freed on Linux. Both lists end with
    // a null pointer and point to strings that end with a zero.
    let error = unsafe {
        libc::posix_spawnattr_init(attributes.as_mut_ptr());
        libc::posix_spawnattr_setflags(attributes.as_mut_ptr(), flags);
        libc::posix_spawnattr_setsigmask(attributes.as_mut_ptr(), none_blocked.as_ref());
        libc::posix_spawnattr_setsigdefault(attributes.as_mut_ptr(), by_default.as_ref());
        libc::posix_spawn(
            &raw mut pid,
            path.as_ptr(),
            ptr::null(),
            attributes.as_ptr(),
            arguments.as_ptr(),
            environment.as_ptr(),
        )
    };
    if error == 0 { Ok(Pid::from_raw(pid)) } else { Err(Errno::from_raw(error)) }
}

/// Pointers to strings, and a null pointer at the end. They are valid as long as the strings are.
fn pointers(strings: &[CString]) -> Vec<*mut c_char> {
    strings.iter().map(|string| string.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
}
