use fluxgate::{CallNotPermitted, circuit_breaker};

enum ApiError {
    Io(std::io::Error),
    Rejected(CallNotPermitted),
}

impl From<CallNotPermitted> for ApiError {
    fn from(rejection: CallNotPermitted) -> Self {
        Self::Rejected(rejection)
    }
}

#[circuit_breaker(tracker = TypeOf(std::io::Error))]
fn quote() -> Result<u32, ApiError> {
    Ok(1)
}

fn main() {}
