//! Certificates change while a node runs: the files are read again and again.
//!
//! New files count for new connections at once. Links that this node dialled are then made anew, beside the
//! old ones, so that both sides hold what is valid now; only after that are links cut whose peer is no longer
//! accepted. An authority is therefore replaced without a gap: both authorities into every `cluster-ca`, new
//! certificates, then the old authority out.

use std::{sync::Arc, time::Duration};

use rustls::pki_types::UnixTime;
use tokio::task::{JoinSet, spawn_blocking};

use super::{
    dial,
    hub::Hub,
    link::Link,
    quic::Quic,
    tls::{Credentials, Files},
};
use crate::{
    config::{Certificates, ConfigError},
    wire::Refusal,
};

/// What is known of the files.
pub(super) struct Watch {
    paths: Certificates,
    /// What they held when they were last made use of, or refused.
    seen: Files,
    /// Why they were last refused, so that it is said once.
    complaint: Option<String>,
}

impl Watch {
    /// `seen` is what the node started with.
    pub(super) fn new(paths: Certificates, seen: Files) -> Self {
        Self { paths, seen, complaint: None }
    }

    /// Looks at the files once a period, until the node ends.
    pub(super) async fn run(mut self, hub: Arc<Hub>, period: Duration) {
        let Some(quic) = &hub.quic else { return };
        loop {
            tokio::time::sleep(period).await;
            match self.look().await {
                Ok(None) => {}
                Ok(Some(credentials)) => {
                    tracing::info!("the cluster's certificates changed");
                    quic.set_credentials(credentials);
                    renew(&hub, |_| true).await;
                }
                Err(error) => self.complain(&error),
            }
            let accepted = |link: &Link| is_accepted(link, quic);
            renew(&hub, |link| !accepted(link)).await;
            for link in hub.links.all().into_iter().filter(|link| !accepted(link)) {
                hub.refusals.count(Refusal::Certificate, 0);
                link.cut();
            }
        }
    }

    /// New credentials, where the files hold something new that is good.
    async fn look(&mut self) -> Result<Option<Credentials>, ConfigError> {
        let paths = self.paths.clone();
        // The reader cannot fail but with the process.
        let Ok(read) = spawn_blocking(move || Files::read(&paths)).await else { return Ok(None) };
        let files = read?;
        if files == self.seen {
            return Ok(None);
        }
        self.seen = files;
        let credentials = Credentials::new(&self.seen)?;
        self.complaint = None;
        Ok(Some(credentials))
    }

    fn complain(&mut self, error: &ConfigError) {
        let text = error.to_string();
        if self.complaint.as_ref() != Some(&text) {
            tracing::warn!("{text}; the certificates in use stay");
            self.complaint = Some(text);
        }
    }
}

fn is_accepted(link: &Link, quic: &Quic) -> bool {
    let chain = link.chain.as_ref();
    chain.is_none_or(|chain| quic.credentials().accept(chain, link.dialled.is_some(), UnixTime::now()))
}

/// Makes links anew that this node dialled; the old ones end when the new ones are there.
async fn renew(hub: &Arc<Hub>, which: impl Fn(&Link) -> bool) {
    let mut renewals = JoinSet::new();
    for link in hub.links.all().into_iter().filter(|link| link.chain.is_some() && which(link)) {
        let Some(endpoint) = link.dialled.clone() else { continue };
        let hub = Arc::clone(hub);
        renewals.spawn(async move {
            if let Err(error) = dial::dial_anew(&hub, &endpoint).await {
                tracing::debug!(%error, %endpoint, "a link is not renewed");
            }
        });
    }
    while renewals.join_next().await.is_some() {}
}
