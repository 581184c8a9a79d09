use fluxgate::circuit_breaker;

#[circuit_breaker(key = tenant.into_boxed_str(), key_type = Box<str>)]
fn quote(tenant: String) -> std::io::Result<usize> {
    Ok(tenant.len())
}

fn main() {}
