//! End to end through the real runtimes
