//! Memory for bodies: each request may have so many bytes of it, and all together so many more.
//!
//! Bytes count once they have come, so that whoever announces much and sends little keeps nobody from it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::error::ApiError;

/// What all may hold together.
#[derive(Debug)]
pub(crate) struct Budget {
    max: usize,
    held: AtomicUsize,
}

impl Budget {
    /// Of so many bytes.
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, held: AtomicUsize::new(0) })
    }

    /// A share of it, which is nothing yet.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { budget: self.clone(), bytes: 0 }
    }
}

/// What one request holds; dropped, it is given back.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    /// Takes so many more.
    ///
    /// # Errors
    /// Where all together would hold more than they may.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), ApiError> {
        let max = self.budget.max;
        let more = |held: usize| held.checked_add(bytes).filter(|held| *held <= max);
        let taken = self.budget.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.map_err(|_| ApiError::TooManyBodies { max })?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_counted_and_given_back() {
        let budget = Budget::new(10);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert!(first.grow(4).is_ok() && first.grow(3).is_ok() && second.grow(3).is_ok());
        assert!(matches!(second.grow(1), Err(ApiError::TooManyBodies { max: 10 })));
        assert!(second.grow(usize::MAX).is_err());
        drop(first);
        assert!(second.grow(7).is_ok());
        drop(second);
        assert_eq!(budget.held.load(Ordering::Relaxed), 0);
    }
}
