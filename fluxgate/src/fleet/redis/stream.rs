//! The bytes' way to the server: TCP, with TLS where the address asks for it.

use std::io;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::{RedisAddress, RedisError};

/// What TCP and TLS have in common.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Connects to the server. Made once for an address, since it reads certificates.
pub(super) struct Connector {
    address: RedisAddress,
    #[cfg(feature = "redis")]
    tls: Option<(
        tokio_rustls::TlsConnector,
        tokio_rustls::rustls::pki_types::ServerName<'static>,
    )>,
}

impl Connector {
    #[cfg_attr(
        not(feature = "redis"),
        allow(clippy::unnecessary_wraps, reason = "TLS can be refused")
    )]
    pub(super) fn new(address: RedisAddress) -> Result<Self, RedisError> {
        Ok(Self {
            #[cfg(feature = "redis")]
            tls: if address.tls {
                Some(tls::connector(&address)?)
            } else {
                None
            },
            address,
        })
    }

    pub(super) fn address(&self) -> &RedisAddress {
        &self.address
    }

    pub(super) async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let tcp = TcpStream::connect((&*self.address.host, self.address.port)).await?;
        // A vote is one small packet, and must not wait for another.
        tcp.set_nodelay(true)?;
        #[cfg(feature = "redis")]
        if let Some((connector, name)) = &self.tls {
            return Ok(Box::new(connector.connect(name.clone(), tcp).await?));
        }
        Ok(Box::new(tcp))
    }
}

#[cfg(feature = "redis")]
mod tls {
    use std::sync::Arc;

    use rustls_platform_verifier::Verifier;
    use tokio_rustls::{
        TlsConnector,
        rustls::{
            ClientConfig, RootCertStore,
            crypto::{CryptoProvider, aws_lc_rs},
            pki_types::{CertificateDer, ServerName, pem::PemObject},
        },
    };

    use super::{RedisAddress, RedisError};

    pub(super) fn connector(
        address: &RedisAddress,
    ) -> Result<(TlsConnector, ServerName<'static>), RedisError> {
        let name = ServerName::try_from(address.host.to_string())
            .map_err(|_| RedisError::InvalidUrl("its host is no name for a certificate"))?;
        // The program's own provider if it has chosen one. Never rustls' guess, which
        // panics in programs that link two.
        let provider = CryptoProvider::get_default()
            .cloned()
            .unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
        let invalid =
            |error: &dyn std::fmt::Display| RedisError::InvalidCertificates(error.to_string());
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| invalid(&error))?;
        let config = match &address.roots {
            Some(pem) => config.with_root_certificates(roots(pem)?),
            None => config
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(
                    Verifier::new(provider).map_err(|error| invalid(&error))?,
                )),
        };
        Ok((Arc::new(config.with_no_client_auth()).into(), name))
    }

    fn roots(pem: &[u8]) -> Result<RootCertStore, RedisError> {
        let invalid =
            |error: &dyn std::fmt::Display| RedisError::InvalidCertificates(error.to_string());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| invalid(&error))?;
            roots.add(certificate).map_err(|error| invalid(&error))?;
        }
        if roots.is_empty() {
            return Err(invalid(&"there is none"));
        }
        Ok(roots)
    }
}
