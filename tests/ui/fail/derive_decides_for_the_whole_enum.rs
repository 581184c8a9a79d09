#[derive(fluxgate::Classify)]
#[outcome(failure)]
enum ApiError {
    #[outcome(alive)]
    NotFound,
}

fn main() {}
