//! What one instance may hold.

use wasmtime::ResourceLimiter;

/// Core instances, memories and tables of one component.
const PARTS: usize = 32;

/// Counts memory and table elements over all memories and tables of a store. What is refused ends the call:
/// an allocator that is told no gives up anyway, and one that asks for ever would only burn its time.
#[derive(Debug)]
pub(super) struct Limiter {
    memory_left: usize,
    elements_left: usize,
    /// Bytes of memory in use.
    pub(super) memory_bytes: usize,
    /// Whether something was refused.
    pub(super) refused: bool,
}

/// More than the instance may have.
#[derive(Debug, thiserror::Error)]
#[error("the guest wanted more memory than it may have")]
struct Refused;

impl Limiter {
    pub(super) fn new(memory_bytes: usize, table_elements: usize) -> Self {
        Self { memory_left: memory_bytes, elements_left: table_elements, memory_bytes: 0, refused: false }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        take(&mut self.memory_left, more, &mut self.refused)?;
        self.memory_bytes += more;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        take(&mut self.elements_left, desired.saturating_sub(current), &mut self.refused)?;
        Ok(true)
    }

    fn instances(&self) -> usize {
        PARTS
    }

    fn tables(&self) -> usize {
        PARTS
    }

    fn memories(&self) -> usize {
        PARTS
    }
}

fn take(left: &mut usize, wanted: usize, refused: &mut bool) -> Result<(), Refused> {
    match left.checked_sub(wanted) {
        Some(rest) => {
            *left = rest;
            Ok(())
        }
        None => {
            *refused = true;
            Err(Refused)
        }
    }
}
