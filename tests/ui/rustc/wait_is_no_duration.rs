#[derive(fluxgate::Classify)]
enum ApiError {
    #[outcome(overloaded, retry_after = seconds)]
    Busy { seconds: u64 },
}

fn main() {}
