//! What every breaker protects, and the traffic that goes through.

use std::{error::Error, fmt, time::Duration};

use fluxgate::CallNotPermitted;

/// The error of a client: small, and with room for a rejection's advice.
#[derive(Debug)]
pub enum ApiError {
    Status(u16),
    Unavailable { retry_after: Option<Duration> },
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::Unavailable { retry_after } => write!(f, "unavailable for {retry_after:?}"),
        }
    }
}

impl Error for ApiError {}

impl From<CallNotPermitted> for ApiError {
    fn from(rejection: CallNotPermitted) -> Self {
        Self::Unavailable {
            retry_after: rejection.retry_after(),
        }
    }
}

/// The protected function: every fourth request fails. Not inlined, as no
/// function that does I/O would be.
///
/// # Errors
///
/// On every fourth request.
#[inline(never)]
pub fn fetch(request: u64) -> Result<u64, ApiError> {
    if request % 4 == 3 {
        Err(ApiError::Status(503))
    } else {
        Ok(request)
    }
}

/// The same, ready when first polled.
///
/// # Errors
///
/// On every fourth request.
pub async fn fetch_async(request: u64) -> Result<u64, ApiError> {
    fetch(request)
}

/// Which requests are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    Healthy,
    OneInFourFails,
    Failing,
}

impl Traffic {
    /// Healthy and failing traffic differ in the numbers alone.
    #[inline]
    pub fn request(self, n: u64) -> u64 {
        match self {
            Self::Healthy => n << 2,
            Self::OneInFourFails => n,
            Self::Failing => n << 2 | 3,
        }
    }
}
