use fluxgate::circuit_breaker;

#[circuit_breaker]
async fn quote() -> std::io::Result<u32> {
    Ok("one")
}

fn main() {}
