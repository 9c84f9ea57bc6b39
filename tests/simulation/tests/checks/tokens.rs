//! What is revoked stays revoked, and tokens end with their tenant.

use burgee_model::{RegisterId, Scope, TokenId};
use burgee_simulation::{
    schedule::SECOND,
    workload::{Action, tenant},
};

use crate::cluster::{Cluster, latest};

fn token(byte: u8) -> RegisterId {
    RegisterId::token(&tenant(), TokenId([byte; 16]))
}

fn create(token: &RegisterId) -> Action {
    Action::Put(token.clone(), "hash".to_owned(), None)
}

fn nobody_honours(cluster: &Cluster, token: &RegisterId) -> bool {
    (0..cluster.slots.len()).all(|slot| latest(cluster, slot, token).is_none_or(|held| held.content.is_none()))
}

#[test]
fn a_revocation_that_is_stamped_below_its_token_lasts() {
    let mut cluster = Cluster::new(3);
    cluster.isolate(&[1]);
    cluster.pass(5 * SECOND);
    let revoked = cluster.act(1, Action::RevokeUnseen(token(1), None)).remove(0);
    cluster.pass(SECOND);
    let made = cluster.act(0, create(&token(1))).remove(0);
    assert!(revoked.stamp < made.stamp);
    cluster.mend();
    cluster.settle();
    assert!(nobody_honours(&cluster, &token(1)));
    cluster.pass(120 * SECOND);
    assert!((0..3).all(|slot| latest(&cluster, slot, &token(1)).as_ref() == Some(&revoked)), "collected");
}

#[test]
fn a_tenant_that_ends_takes_along_the_tokens_that_are_made_elsewhere_meanwhile() {
    let mut cluster = Cluster::new(3);
    cluster.act(0, create(&token(1)));
    cluster.agree_within(SECOND);
    cluster.isolate(&[2]);
    cluster.pass(5 * SECOND);
    cluster.act(0, Action::Floor(tenant(), Scope::Tenant));
    cluster.act(2, create(&token(2)));
    cluster.pass(5 * SECOND);
    cluster.mend();
    cluster.settle();
    assert!(nobody_honours(&cluster, &token(1)) && nobody_honours(&cluster, &token(2)));
}
