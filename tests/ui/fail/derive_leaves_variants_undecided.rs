#[derive(fluxgate::Classify)]
enum ApiError {
    #[outcome(failure)]
    Timeout,
    NotFound,
    Busy { wait: std::time::Duration },
    /// Documented, and undecided.
    Invalid(String),
}

fn main() {}
