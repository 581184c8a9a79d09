use fluxgate::circuit_breaker;

#[circuit_breaker(key = tenant)]
fn quote<T: AsRef<str>>(tenant: T) -> std::io::Result<usize> {
    Ok(tenant.as_ref().len())
}

fn main() {}
