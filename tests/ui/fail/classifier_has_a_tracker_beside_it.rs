use fluxgate::circuit_breaker;

#[circuit_breaker(classify = |_| fluxgate::Outcome::Success, tracker = TypeOf(std::io::Error))]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
