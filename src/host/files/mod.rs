//! Files, and what else has a path.
//!
//! ```text
//! regular_file.rs  opening files, also where others may put something else
//! unix_socket.rs   connecting to a socket
//! state_file.rs    the registry in a file over a restart;  save_times.rs  when it is saved
//! ```

pub(super) mod regular_file;
mod save_times;
pub(super) mod state_file;
pub(super) mod unix_socket;
