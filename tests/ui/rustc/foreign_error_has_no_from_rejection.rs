use fluxgate::circuit_breaker;

#[circuit_breaker]
fn quote() -> Result<u32, std::num::ParseIntError> {
    "1".parse()
}

fn main() {}
