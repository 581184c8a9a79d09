use fluxgate::circuit_breaker;

#[circuit_breaker(map_rejection = |rejection| rejection.to_string())]
fn quote() -> Result<u32, std::num::ParseIntError> {
    "1".parse()
}

fn main() {}
