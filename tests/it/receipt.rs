//! Folding with Meta's adapter and a real ledger: whose window a message opens when the provider spells the number its own way.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use fanfare::audience::{Phone, canonical};
use fanfare::outbound::ledger::{Group, InboxBody, Ledger, SenderRecord};
use fanfare::provider::contract::Provider;
use fanfare::provider::meta::Meta;
use fanfare::receipt::worker::{Listeners, Worker};
use fanfare::store::{Mode, open};
use fanfare::time::{Clock, ManualClock, Timestamp};
use tokio_util::sync::CancellationToken;

const NOW: Timestamp = Timestamp(1_795_225_500_000);
const NUMBER: &str = "106540352242922";

/// A message from `wa_id`, a minute ago.
fn hello(wa_id: &str) -> Bytes {
    let at = NOW.0 / 1000 - 60;
    let message =
        format!(r#"{{"from":"{wa_id}","id":"wamid.{wa_id}","timestamp":"{at}","type":"text","text":{{"body":"Hola"}}}}"#);
    let value = format!(
        r#"{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"1","phone_number_id":"{NUMBER}"}},"messages":[{message}]}}"#
    );
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{value}}}]}}]}}"#
    );
    Bytes::from(body)
}

#[tokio::test]
async fn a_message_opens_the_window_of_the_person_the_list_names() {
    // As a list writes them, and as the provider does: Brazil without its ninth digit, Mexico with 1, Argentina without 9.
    let spellings = [
        ("+5511987654321", "551187654321"),
        ("+551187654321", "5511987654321"),
        ("+525512345678", "5215512345678"),
        ("+5215512345679", "525512345679"),
        ("+5491123456789", "541123456789"),
        ("+541123456780", "5491123456780"),
        ("+491701234567", "491701234567"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let store = open(&format!("sqlite:{}", folder.path().join("ledger.db").display()), Mode::Engine).await.unwrap();
    let record = SenderRecord { name: "one".into(), provider: "meta".into(), number_id: NUMBER.into() };
    let sender = store.senders(&[record]).await.unwrap()[0];
    let body = |(_, wa_id): &(&str, &str)| InboxBody { provider: "meta".into(), received_at: NOW, body: hello(wa_id) };
    store.commit(&Group { inbox: spellings.iter().map(body).collect(), ..Group::default() }).await.unwrap();
    let providers = HashMap::from([("meta".to_owned(), Arc::new(Meta::new()) as Arc<dyn Provider>)]);
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW));
    let worker = Worker { providers, listeners: Arc::new(Listeners::default()), clock };
    let stop = CancellationToken::new();
    stop.cancel();
    let ledger: Arc<dyn Ledger> = store.clone();
    worker.work(ledger.as_ref(), stop).await.unwrap();
    assert!(store.unfolded(9).await.unwrap().is_empty());
    for (written, wa_id) in spellings {
        let person = canonical(Phone::parse(written).unwrap());
        let windows = store.windows(&[sender], &[person]).await.unwrap();
        let minute_ago = Timestamp(NOW.0 - 60_000);
        assert_eq!(windows.get(&(sender, person)), Some(&minute_ago), "{written} wrote as {wa_id}");
    }
}
