use fluxgate::circuit_breaker;

#[circuit_breaker]
fn quote() -> std::io::Result<u32> {
    let _ = 1;
}

fn main() {}
