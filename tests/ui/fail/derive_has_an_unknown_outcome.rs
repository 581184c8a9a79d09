#[derive(fluxgate::Classify)]
enum ApiError {
    #[outcome(faliure)]
    Timeout,
    #[outcome(throttled)]
    Busy,
    #[outcome(whatever)]
    NotFound,
    #[outcome]
    Gone,
    #[outcome(alive = true)]
    Missing,
}

fn main() {}
