#[derive(fluxgate::Classify)]
enum ApiError {
    #[outcome(transparent)]
    Db(std::io::Error),
}

fn main() {}
