//! The attribute of the fluxgate circuit breaker.
