//! Strangers are refused.
