use fluxgate::circuit_breaker;

#[circuit_breaker(failure_if = |text: &str| text.is_empty())]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
