use fluxgate::circuit_breaker;


trait Api {
    #[circuit_breaker]
    fn quote(&self) -> std::io::Result<u32>;
}

fn main() {}
