//! PID 1 for containers. (Being built.)
