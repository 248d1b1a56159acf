use super::*;

fn message(seq: u64) -> Message {
    Message { seq, to: format!("1555{seq:07}"), wamid: format!("wamid.{seq}"), kind: "template".into(), ..Message::default() }
}

#[test]
fn a_line_is_in_the_file_when_write_returns() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.ndjson");
    let ledger = Ledger::open(Some(&path), 1).unwrap();
    for seq in 1..=3 {
        ledger.write(&Line::Message(&message(seq))).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count() as u64, seq);
        assert!(text.ends_with('\n'));
    }
    assert_eq!(ledger.view().messages().unwrap(), vec![message(1), message(2), message(3)]);
}

#[test]
fn every_fact_reads_back_as_it_was() {
    let ledger = Ledger::open(None, 1).unwrap();
    let request = Request { seq: 2, code: Some(131_056), to: Some("1".into()), ..Request::default() };
    let inbound = Inbound { seq: 3, text: "a \"quoted\"\nline".into(), from_ad: true, ..Inbound::default() };
    let acked = Acked { at_ms: 4, updates: vec![(1, 1), (1, 2), (3, 32)] };
    ledger.write(&Line::Message(&message(1))).unwrap();
    ledger.write(&Line::Request(&request)).unwrap();
    ledger.write(&Line::Inbound(&inbound)).unwrap();
    ledger.write(&Line::Acked(&acked)).unwrap();
    let facts = ledger.view().facts().unwrap();
    assert_eq!(facts, vec![Fact::Message(message(1)), Fact::Request(request), Fact::Inbound(inbound), Fact::Acked(acked)]);
    assert_eq!(ledger.view().requests().unwrap(), 2);
}

#[test]
fn a_torn_last_line_is_cut_and_everything_before_it_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.ndjson");
    let ledger = Ledger::open(Some(&path), 1).unwrap();
    ledger.write(&Line::Message(&message(1))).unwrap();
    ledger.write(&Line::Message(&message(2))).unwrap();
    drop(ledger);
    let whole = std::fs::read(&path).unwrap();
    for cut in 1..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let past = recover(&path, 16, |_| 3).unwrap();
        let lines = whole[..cut].split(|byte| *byte == b'\n').count() - 1;
        assert_eq!(past.owed.len(), lines, "cut at {cut}");
        assert_eq!(std::fs::read(&path).unwrap().last().copied().unwrap_or(b'\n'), b'\n');
    }
}

#[test]
fn recovery_knows_what_is_still_owed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.ndjson");
    let ledger = Ledger::open(Some(&path), 1).unwrap();
    for seq in 1..=3 {
        ledger.write(&Line::Message(&message(seq))).unwrap();
    }
    let reply = Inbound { seq: 9, reply_to: Some(3), from: "15550000003".into(), at_ms: 77, ..Inbound::default() };
    ledger.write(&Line::Inbound(&reply)).unwrap();
    ledger.write(&Line::Acked(&Acked { at_ms: 0, updates: vec![(1, 1), (2, 1), (2, 2), (2, 16)] })).unwrap();
    let past = recover(&path, 16, |_| 1 | 2 | 16).unwrap();
    let owed: Vec<_> = past.owed.iter().map(|(seq, (_, bits))| (*seq, *bits)).collect();
    assert_eq!(owed, vec![(1, 2 | 16), (3, 1 | 2)]);
    assert_eq!(past.unheard.keys().copied().collect::<Vec<_>>(), vec![9]);
    assert_eq!((past.next_seq, past.requests, past.accepted), (10, 3, 3));
    assert_eq!(past.written.values().copied().collect::<Vec<_>>(), vec![(77, false)]);
}
