#[derive(fluxgate::Classify)]
enum Never {}

fn main() {}
