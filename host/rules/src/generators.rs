//! Random rules and contexts for tests: a small vocabulary, so that rules meet what contexts hold, and a
//! liking for the values where the operators' semantics have their edges.
