//! Backups of stores in use, and what is made from them.

use burgee_model::Address;

use super::*;
use crate::{
    RestoreError,
    backup::{Becomes, restore},
};

async fn taken(rig: &Rig) -> Vec<u8> {
    let backup = rig.store.backup("a").await.unwrap();
    assert_eq!(backup.header().node, rig.store.node_id());
    let mut file = Vec::new();
    backup.write_to(&mut file).unwrap();
    file
}

fn restored(file: &[u8], dir: &Path, becomes: Becomes) -> Result<crate::backup::Restored, RestoreError> {
    restore(file, dir, becomes, NOW)
}

/// A store that holds something of everything: history, a purge, what was deleted, a member.
async fn filled(rig: &Rig) {
    for (id, value) in [(config("a/1"), "1"), (config("b"), "2"), (flag_in(FlagInField::State), "ENABLED")] {
        rig.write(put(&id, value)).await.unwrap();
    }
    rig.write(put(&flag_in(FlagInField::State), "DISABLED")).await.unwrap();
    rig.write(Draft::of(vec![DraftWrite::delete(config("b"))])).await.unwrap();
    let scope = Scope::Config { environment: key("e"), prefix: "a/".into() };
    let later = rig.store.read().latest(&config("a/1")).unwrap().stamp.time + 10;
    let member = RegisterId::system(Address::Member { node: PEER });
    rig.merge([floor(scope, later), version(member, later, r#"{"name":"gone"}"#)]);
    rig.write(put(&config("c"), "3")).await.unwrap();
}

#[tokio::test]
async fn a_backup_is_all_that_was_there_when_it_was_taken() {
    let (dir, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for rig in [on_disk(dir.path()), in_memory()] {
        filled(&rig).await;
        let then = rig.store.read().clone();
        let backup = rig.store.backup("a").await.unwrap();
        rig.write(put(&config("c"), "later")).await.unwrap();
        let mut file = Vec::new();
        let versions = backup.write_to(&mut file).unwrap();
        let to = target.path().join(versions.to_string()).join(format!("{}", rig.store.node_id()));
        let made = restored(&file, &to, Becomes::Member).unwrap();
        assert_eq!((made.versions, made.header.node_name.as_str()), (versions, "a"));
        let again = on_disk(&to);
        assert_eq!(*again.store.read(), then);
        assert_eq!(again.store.node_id(), made.node);
        assert_ne!(made.node, rig.store.node_id(), "two of one identity would take each other for copies");
        assert!(again.store.needs_resync() && again.store.has_set_aside());
        // What it gives from now on lies above all that the node of the backup gave.
        let stamp = again.write(put(&config("d"), "4")).await.unwrap().versions[0].stamp;
        assert!(Some(stamp.time) > then.latest_of(rig.store.node_id()).map(|stamp| stamp.time));
    }
}

#[tokio::test]
async fn the_first_of_a_new_cluster_waits_for_nobody() {
    let target = tempfile::tempdir().unwrap();
    let rig = in_memory();
    filled(&rig).await;
    assert_eq!(rig.store.read().members().count(), 1);
    restored(&taken(&rig).await, target.path(), Becomes::First).unwrap();
    let again = on_disk(target.path());
    assert!(!again.store.needs_resync() && !again.store.has_set_aside());
    assert_eq!(again.store.read().members().count(), 0);
    assert_eq!(again.value(&config("c")).as_deref(), Some("3"));
}

#[tokio::test]
async fn a_backup_that_is_cut_short_or_altered_changes_nothing() {
    let rig = in_memory();
    filled(&rig).await;
    let file = taken(&rig).await;
    let target = tempfile::tempdir().unwrap();
    let refused = |file: &[u8]| {
        let refused = restored(file, target.path(), Becomes::Member).unwrap_err();
        assert!(!target.path().join("burgee.redb").exists());
        refused
    };
    for length in 0..file.len() {
        let error = refused(&file[..length]);
        assert!(matches!(error, RestoreError::NoBackup | RestoreError::CutShort(_)), "{length}: {error}");
    }
    for place in 0..file.len() {
        let mut altered = file.clone();
        altered[place] ^= 1 << (place % 8);
        refused(&altered);
    }
    assert!(matches!(refused(&[&file[..], b"more"].concat()), RestoreError::Damaged(_)));
    let text = String::from_utf8_lossy(&file[..200]).replacen(r#""format":1"#, r#""format":7"#, 1);
    assert!(matches!(refused(text.as_bytes()), RestoreError::Format { found: 7, known: 1 }));
    restored(&file, target.path(), Becomes::Member).unwrap();
    assert!(matches!(restored(&file, target.path(), Becomes::First), Err(RestoreError::Occupied)));
    let _open = on_disk(target.path());
    assert!(matches!(restored(&file, target.path(), Becomes::First), Err(RestoreError::Locked)));
}
