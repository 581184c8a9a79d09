use fluxgate::circuit_breaker;

fn price() -> std::io::Result<&'static str> {
    Ok("one")
}

#[circuit_breaker]
async fn quote() -> std::io::Result<u32> {
    price()
}

fn main() {}
