use fluxgate::circuit_breaker;

#[circuit_breaker]
#[cfg_attr(all(), track_caller)]
fn fetch() -> std::io::Result<u8> {
    Ok(1)
}

fn main() {}
