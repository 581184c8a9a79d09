use std::time::Duration;

#[derive(fluxgate::Classify)]
enum ApiError {
    #[outcome(overloaded, retry_after = after)]
    Busy { wait: Duration, code: u16 },
    #[outcome(failure, retry_after = 1)]
    Down(Duration),
    #[outcome(failure, retry_after = 0)]
    Unit,
    #[outcome(failure, retry_after = "wait")]
    Quoted { wait: Duration },
    #[outcome(failure, retry_after = wait * 2)]
    Computed { wait: Duration },
    #[outcome(transparent)]
    Two(u8, u16),
    #[outcome(with = "of_io")]
    Function(u8),
}

fn main() {}
