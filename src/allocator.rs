//! The allocator of static binaries: rlsf's, without a lock. Musl's own is 9 kB large, and rlsf's
//! for threads brings 3 kB of locks along.
//!
//! The daemon allocates nothing once it runs, so what one allocation costs matters in size alone.

#![expect(unsafe_code, reason = "no library has an allocator for programs with one thread")]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::{self, NonNull};

use rlsf::{FlexSource, FlexTlsf};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

/// Memory comes from the kernel in multiples of this many bytes: a multiple of a page. It takes
/// none before it is used.
const UNIT: usize = 1 << 16;

/// Memory from the kernel.
struct Pages;

// SAFETY: memory that the kernel maps is new, and no code unmaps it.
unsafe impl FlexSource for Pages {
    unsafe fn alloc(&mut self, min_size: usize) -> Option<NonNull<[u8]>> {
        let size = min_size.checked_next_multiple_of(UNIT)?;
        let (access, kind) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: the kernel chooses where, so that nothing is replaced.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), size, access, kind) }.ok()?;
        NonNull::new(ptr::slice_from_raw_parts_mut(start.cast(), size))
    }

    fn min_align(&self) -> usize {
        4096
    }
}

/// Lists of free blocks, by 28 powers of two from the smallest block on, and eighths of these: a
/// table of 1 or 2 kB. A block is found in a time that does not depend on how many there are.
type Blocks = FlexTlsf<Pages, u32, u8, 28, 8>;

pub(crate) struct Allocator(UnsafeCell<Blocks>);

impl Allocator {
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new(FlexTlsf::new(Pages)))
    }
}

// SAFETY: foghorn has one thread, so nobody else is in it. A child that it starts becomes another
// program before it could allocate.
unsafe impl Sync for Allocator {}

// SAFETY: blocks are rlsf's, which asks for the same as this trait. The one thread is here once at
// a time, since nothing below calls back.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: see above.
        let block = unsafe { &mut *self.0.get() }.allocate(layout);
        block.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller gives back a block from here, and its own alignment.
        unsafe { (*self.0.get()).deallocate(NonNull::new_unchecked(block), layout.align()) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as for `dealloc`; the caller sees to it that the new size goes with the
        // alignment.
        let block = unsafe {
            let new = Layout::from_size_align_unchecked(new_size, layout.align());
            (*self.0.get()).reallocate(NonNull::new_unchecked(block), new)
        };
        block.map_or(ptr::null_mut(), NonNull::as_ptr)
    }
}
