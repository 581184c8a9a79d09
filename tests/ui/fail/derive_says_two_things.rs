#[derive(fluxgate::Classify)]
enum ApiError {
    #[outcome(failure, overloaded)]
    Busy,
    #[outcome(alive)]
    #[outcome(ignored)]
    NotFound,
    #[outcome(alive, retry_after = wait)]
    Wrong { wait: std::time::Duration },
    Misplaced(#[outcome(failure)] u8),
}

fn main() {}
