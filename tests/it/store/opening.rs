//! Opening, closing, opening again.

use fanfare::outbound::ledger::LedgerError;
use fanfare::outbound::status::RunState;
use fanfare::store::{Mode, open};

use super::place::{NOW, commit_intents, id, intent, new_run, running};
use super::{Place, conforms, each};
use fanfare::outbound::status::Standing;

conforms! {
    async fn a_second_engine_is_refused_and_readers_are_not(place: &Place) {
        let store = place.open().await;
        let Err(error) = open(&place.url, Mode::Engine).await else { panic!("opened twice") };
        assert!(matches!(error, LedgerError::Locked(_)), "{error:?}");
        store.create_run(&new_run("spring")).await.unwrap();
        let reader = open(&place.url, Mode::ReadOnly).await.unwrap();
        assert_eq!(reader.runs(9).await.unwrap().len(), 1);
        assert!(matches!(reader.create_run(&new_run("autumn")).await, Err(LedgerError::Unfit(_))));
        reader.close().await;
        store.close().await;
        place.open().await.close().await;
    }

    async fn what_was_committed_is_there_after_a_drop_without_closing(place: &Place) {
        let store = place.open().await;
        let (run, sender) = running(&*store, 3).await;
        commit_intents(&*store, vec![intent(id(run, 2), Standing::PLANNED, sender)]).await;
        store.close().await;
        drop(store);
        let store = place.open().await;
        let found = store.runs(1).await.unwrap();
        assert_eq!((found[0].no, found[0].state, found[0].version), (run, RunState::Running, 2));
        let open = store.open_intents(run, 9).await.unwrap();
        assert_eq!(open.iter().map(|open| (open.id, open.digest, open.intent_at)).collect::<Vec<_>>(), [(id(run, 2), -7, NOW)]);
        assert_eq!(place.number("SELECT incarnation FROM engine").await, 2);
        store.close().await;
    }

    async fn a_ledger_from_the_future_is_refused_with_a_word(place: &Place) {
        place.open().await.close().await;
        place.change("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                      SELECT 9999, 'future', success, checksum, 0 FROM _sqlx_migrations").await;
        for mode in [Mode::Engine, Mode::ReadOnly] {
            let Err(LedgerError::Unfit(text)) = open(&place.url, mode).await else { panic!("{mode:?} took a newer ledger") };
            assert!(text.contains("newer"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_damaged_file_is_found_after_an_unclean_stop() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let url = format!("sqlite:{}", path.display());
    let store = open(&url, Mode::Engine).await.unwrap();
    running(&*store, 2000).await;
    store.close().await;
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    std::fs::write(folder.path().join("ledger.db.lock"), "4242").unwrap();
    let Err(LedgerError::Unfit(text)) = open(&url, Mode::Engine).await else { panic!("took a damaged file") };
    assert!(text.contains("damaged"), "{text}");
}

#[tokio::test]
async fn urls_of_other_databases_are_refused_without_repeating_them() {
    let Err(error) = open("mysql://user:secret@host/x", Mode::Engine).await else { panic!("opened") };
    assert!(!error.to_string().contains("secret"), "{error}");
}
