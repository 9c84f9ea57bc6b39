//! Certificates change.
