fn is_down(_: &std::io::Error) -> bool {
    true
}

#[derive(fluxgate::Classify)]
enum ApiError {
    #[outcome(with = is_down)]
    Db(std::io::Error),
    #[outcome(with = |code| *code > 4)]
    Code(u8),
}

fn main() {}
