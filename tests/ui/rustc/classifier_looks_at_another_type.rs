use fluxgate::{Outcome, circuit_breaker};

fn by_status(_status: &u16) -> Outcome {
    Outcome::Success
}

#[circuit_breaker(classify = by_status)]
async fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
