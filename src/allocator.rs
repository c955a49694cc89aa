//! The allocator of the whole process: mimalloc, for librdkafka's buffers too, told to give memory back soon.
//!
//! librdkafka allocates on its own threads what the workers free, in bursts: with glibc's malloc as it comes the pipeline took
//! 230 MB at full speed, with this 70 to 90 MB and less processor time. Huge pages are off (the feature `no_thp`), as a burst of
//! a few kilobytes would keep two megabytes each.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay`; the binding has no name for it.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
/// Memory that is not used again within this time goes back to the operating system. The default is a second.
const PURGE_MILLISECONDS: i64 = 100;

/// To be called once, before there is a second thread. What the environment says (`MIMALLOC_PURGE_DELAY`) goes before it.
pub fn tune() {
    // SAFETY: sets a number that the allocator reads; no other thread runs yet, and the option is one of its own.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, PURGE_MILLISECONDS) }
}
