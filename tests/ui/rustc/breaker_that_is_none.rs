use fluxgate::circuit_breaker;

static NUMBER: u8 = 1;

#[circuit_breaker(breaker = NUMBER)]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
