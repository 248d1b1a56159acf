//! What is accepted, refused, limited, and answered to other calls.

use std::collections::BTreeSet;

use super::super::ledger::{Fact, Fate};
use super::wire::Callback;
use super::*;

#[tokio::test]
async fn a_template_is_accepted_written_down_and_told() {
    let (callback, url) = Callback::listen(0).await;
    let mut config = SimulatorConfig { webhook_url: Some(url), ..SimulatorConfig::default() };
    config.people.read_share = 1.0;
    let simulator = start(config).await;
    let seen = send(&simulator, &template("+16505551234", "w1-a-0")).await;
    assert_eq!(seen.status(), 200);
    let answer = seen.json();
    assert_eq!(answer["contacts"][0], json!({ "input": "+16505551234", "wa_id": "16505551234" }));
    assert_eq!(answer["messages"][0]["message_status"], "accepted");
    let received = simulator.ledger().received().unwrap();
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].wamid.as_str(), received[0].client_ref.as_deref()), (seen.wamid().as_str(), Some("w1-a-0")));
    assert!(simulator.drain(SOON).await);
    let words: BTreeSet<_> = callback.statuses().into_iter().map(|(_, word)| word).collect();
    assert_eq!(words, ["delivered", "read", "sent"].map(str::to_owned).into());
    assert!(callback.all_signed());
    for status in callback.values("statuses") {
        assert_eq!(status["biz_opaque_callback_data"], "w1-a-0");
        assert_eq!(status["recipient_id"], "16505551234");
        assert_eq!(status["timestamp"], "1795000000");
        let pricing = json!({ "billable": true, "pricing_model": "PMP", "type": "regular", "category": "marketing" });
        let is_priced = status["status"] != "read";
        assert_eq!(status.get("pricing"), is_priced.then_some(&pricing));
    }
    simulator.shutdown().await;
}

#[tokio::test]
async fn ids_are_unique_over_many_messages() {
    let simulator = start(SimulatorConfig { numbers: unlimited(), ..SimulatorConfig::default() }).await;
    let mut ids = BTreeSet::new();
    for n in 0..50 {
        assert!(ids.insert(send(&simulator, &template(&phone(n), &n.to_string())).await.wamid()));
    }
    assert_eq!(simulator.stats().accepted, 50);
    assert_eq!(simulator.ledger().requests().unwrap(), 50);
}

#[tokio::test]
async fn refusals_have_metas_shape_and_a_line_each() {
    let numbers = vec![NumberConfig { id: NUMBER.into(), ..NumberConfig::default() }];
    let simulator = start(SimulatorConfig { numbers, ..SimulatorConfig::default() }).await;
    let path = format!("/v26.0/{NUMBER}/messages");
    let bad_token = call(&simulator.base_url(), "POST", &path, "wrong", &template(&phone(1), "a")).await;
    assert_eq!((bad_token.status(), bad_token.code()), (401, 190));
    let no_number = call(&simulator.base_url(), "POST", "/v26.0/7/messages", TOKEN, &template(&phone(1), "a")).await;
    assert_eq!((no_number.status(), no_number.code()), (400, 33));
    let no_json = send(&simulator, "{\"to\":").await;
    assert_eq!((no_json.status(), no_json.code()), (400, 100));
    let empty = send(&simulator, &template(&phone(1), "b").replace("Ana", " ")).await;
    let error = empty.json()["error"].clone();
    assert_eq!((empty.status(), error["code"].as_u64()), (400, Some(131_008)));
    assert_eq!(error["type"], "OAuthException");
    assert_eq!(error["message"], "(#131008) Required parameter is missing");
    assert_eq!(error["error_data"]["messaging_product"], "whatsapp");
    assert_eq!(error["error_data"]["details"], "Parameter of type text is missing text value");
    assert!(error["fbtrace_id"].as_str().unwrap().starts_with('A'));
    let codes: Vec<_> = simulator
        .ledger()
        .facts()
        .unwrap()
        .into_iter()
        .map(|fact| if let Fact::Request(request) = fact { request.code } else { None })
        .collect();
    assert_eq!(codes, [Some(190), Some(33), Some(100), Some(131_008)]);
    let stats = simulator.stats();
    assert_eq!((stats.requests, stats.accepted, stats.refused.values().sum()), (4, 0, 4));
}

#[tokio::test]
async fn a_recipient_without_plus_is_somebody_else() {
    let simulator = start(SimulatorConfig::default()).await;
    let seen = send(&simulator, &template("5215512345678", "a")).await;
    assert_eq!(seen.json()["contacts"][0]["wa_id"], "15215512345678");
    let message = &simulator.ledger().messages().unwrap()[0];
    assert!(message.wrong_person);
    assert_eq!(message.to, "15215512345678");
    let spaced = send(&simulator, &template("+52 (155) 1234-5678", "b")).await;
    assert_eq!(spaced.json()["contacts"][0]["wa_id"], "5215512345678");
}

#[tokio::test]
async fn mexican_numbers_may_be_rewritten() {
    let simulator = start(SimulatorConfig { rewrite_mexico: true, ..SimulatorConfig::default() }).await;
    let seen = send(&simulator, &template("+525512345678", "a")).await;
    assert_eq!(seen.json()["contacts"][0], json!({ "input": "+525512345678", "wa_id": "5215512345678" }));
}

#[tokio::test]
async fn a_user_id_is_reached_like_a_phone() {
    let (callback, url) = Callback::listen(0).await;
    let simulator = start(SimulatorConfig { webhook_url: Some(url), ..SimulatorConfig::default() }).await;
    let body = template("+1", "a").replace("\"to\":\"+1\"", "\"recipient\":\"US.13491208655302741918\"");
    let seen = send(&simulator, &body).await;
    assert_eq!(seen.json()["contacts"][0], json!({ "input": "US.13491208655302741918", "user_id": "US.13491208655302741918" }));
    assert!(simulator.drain(SOON).await);
    let status = &callback.values("statuses")[0];
    assert_eq!(status["recipient_user_id"], "US.13491208655302741918");
    assert!(status.get("recipient_id").is_none());
}

#[tokio::test]
async fn throughput_is_refused_as_a_bad_request() {
    let number = NumberConfig { limit_per_second: 80, hidden_limit_per_second: Some(3), ..NumberConfig::default() };
    let simulator = start(SimulatorConfig { numbers: vec![number], ..SimulatorConfig::default() }).await;
    let mut refused = 0;
    // Sixty requests at once cannot take so long that a limit of three a second lets them all through.
    let all = (0..60).map(|n| {
        let (base, body) = (simulator.base_url(), template(&phone(n), &n.to_string()));
        tokio::spawn(async move { call(&base, "POST", &format!("/v26.0/{NUMBER}/messages"), TOKEN, &body).await })
    });
    for seen in futures_util::future::join_all(all).await {
        let seen = seen.unwrap();
        if seen.status() != 200 {
            assert_eq!((seen.status(), seen.code()), (400, 130_429));
            refused += 1;
        }
    }
    assert!(refused > 0);
    let stats = simulator.stats();
    assert_eq!((stats.accepted + refused, stats.refused.get(&130_429)), (60, Some(&refused)));
    let shown = get(&simulator, &format!("/v26.0/{NUMBER}?fields=throughput")).await.json();
    assert_eq!(shown, json!({ "id": NUMBER, "throughput": { "level": "STANDARD" } }), "the hidden limit stays hidden");
}

#[tokio::test]
async fn a_pair_has_a_limit_of_its_own() {
    let simulator = start(SimulatorConfig { numbers: unlimited(), ..SimulatorConfig::default() }).await;
    let mut seen = Vec::new();
    for n in 0..46 {
        seen.push(send(&simulator, &template(&phone(1), &n.to_string())).await);
    }
    assert!(seen.iter().filter(|seen| seen.status() == 200).count() <= 45);
    assert_eq!(seen[45].code(), 131_056);
    assert_eq!(send(&simulator, &template(&phone(2), "x")).await.status(), 200);
}

#[tokio::test]
async fn free_form_needs_a_window_the_person_opened() {
    let clock = clock();
    let mut config = SimulatorConfig { numbers: unlimited(), ..SimulatorConfig::default() };
    config.faults.window_sync_share = 1.0;
    let simulator = Simulator::start(config, clock.clone()).await.unwrap();
    assert_eq!(send(&simulator, &text(&phone(1))).await.code(), 131_047);
    simulator.say(NUMBER, &phone(1), "hello").await.unwrap();
    assert_eq!(send(&simulator, &text(&phone(1))).await.status(), 200);
    assert_eq!(send(&simulator, &text(&phone(2))).await.code(), 131_047, "nobody else's window opened");
    clock.advance(Duration::from_hours(24));
    assert_eq!(send(&simulator, &text(&phone(1))).await.code(), 131_047, "our own message extended nothing");
    assert!(matches!(simulator.say("nonsense", "+1", "x").await, Err(SimulatorError::UnknownNumber(_))));
}

#[tokio::test]
async fn outside_the_window_free_form_may_fail_later_instead() {
    let (callback, url) = Callback::listen(0).await;
    let mut config = SimulatorConfig { webhook_url: Some(url), ..SimulatorConfig::default() };
    config.faults.window_sync_share = 0.0;
    let simulator = start(config).await;
    assert_eq!(send(&simulator, &text(&phone(1))).await.status(), 200);
    let message = &simulator.ledger().messages().unwrap()[0];
    assert_eq!((message.fate, message.code), (Fate::Failed, Some(131_047)));
    assert!(simulator.drain(SOON).await);
    let statuses = callback.values("statuses");
    assert_eq!(statuses.len(), 1);
    assert_eq!((statuses[0]["status"].as_str(), &statuses[0]["errors"][0]["code"]), (Some("failed"), &json!(131_047)));
    assert!(statuses[0].get("pricing").is_none());
}

#[tokio::test]
async fn service_messages_are_free_up_to_their_number_and_all_is_free_after_an_advertisement() {
    let (callback, url) = Callback::listen(0).await;
    let mut config = SimulatorConfig { webhook_url: Some(url), free_service_deliveries: 2, ..SimulatorConfig::default() };
    config.people.read_share = 0.0;
    let simulator = start(config).await;
    for n in 1..=3 {
        simulator.say(NUMBER, &phone(n), "hello").await.unwrap();
        send(&simulator, &text(&phone(n))).await;
    }
    simulator.say_from_ad(NUMBER, &phone(4), "saw your ad").await.unwrap();
    send(&simulator, &template(&phone(4), "ad")).await;
    let pricing: Vec<_> = simulator.ledger().messages().unwrap().into_iter().map(|m| (m.category, m.pricing)).collect();
    let expected = [("service", "free_customer_service"); 2].into_iter();
    let expected = expected.chain([("service", "regular"), ("marketing", "free_entry_point")]);
    assert_eq!(pricing, expected.map(|(c, p)| (c.to_owned(), p.to_owned())).collect::<Vec<_>>());
    assert!(simulator.drain(SOON).await);
    let statuses = callback.values("statuses");
    let of_ad: Vec<_> = statuses.iter().filter(|status| status["biz_opaque_callback_data"] == "ad").collect();
    assert!(
        of_ad.iter().all(|s| s["conversation"]["origin"]["type"] == "referral_conversion" && s["pricing"]["billable"] == false)
    );
    assert!(statuses.iter().filter(|s| s["biz_opaque_callback_data"] != "ad").all(|s| s.get("conversation").is_none()));
    assert!(callback.values("messages").iter().any(|message| message["referral"]["source_type"] == "ad"));
}

#[tokio::test]
async fn templates_are_listed_by_pages_and_fields() {
    let all: Vec<_> = (0..5)
        .map(|n| json!({ "name": format!("t{n}"), "language": "en", "components": [{ "type": "BODY", "text": "x" }] }))
        .collect();
    let templates = Catalogue::from_json(&serde_json::to_string(&all).unwrap()).unwrap();
    let simulator = start(SimulatorConfig { templates, ..SimulatorConfig::default() }).await;
    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let page = get(&simulator, &format!("/v26.0/200/message_templates?fields=name,status&limit=2{after}")).await.json();
        for template in page["data"].as_array().unwrap() {
            assert_eq!(template.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "name", "status"]);
            names.push(template["name"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["paging"].get("next") else { break };
        assert!(next.as_str().unwrap().starts_with("http://x/v26.0/200/message_templates?fields=name,status&limit=2&after="));
        after = format!("&after={}", page["paging"]["cursors"]["after"].as_str().unwrap());
    }
    assert_eq!(names, ["t0", "t1", "t2", "t3", "t4"]);
    assert_eq!(get(&simulator, "/v26.0/200/message_templates?after=rubbish").await.code(), 131_059);
    let paused = get(&simulator, "/v26.0/200/message_templates?status=PAUSED").await.json();
    assert_eq!(paused, json!({ "data": [] }));
}

#[tokio::test]
async fn media_get_ids_and_read_receipts_are_no_messages() {
    let simulator = start(SimulatorConfig::default()).await;
    let path = format!("/v26.0/{NUMBER}/media");
    let one = call(&simulator.base_url(), "POST", &path, TOKEN, "file one").await.json();
    let two = call(&simulator.base_url(), "POST", &path, TOKEN, "file two").await.json();
    assert_ne!(one["id"], two["id"]);
    let receipt = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x" }).to_string();
    assert_eq!(send(&simulator, &receipt).await.json(), json!({ "success": true }));
    assert_eq!(simulator.stats().requests, 0);
    assert_eq!(get(&simulator, "/v26.0/1/2/3").await.code(), 100);
}

#[tokio::test]
async fn marketing_messages_takes_marketing_templates_alone() {
    let simulator = start(SimulatorConfig { numbers: unlimited(), ..SimulatorConfig::default() }).await;
    let path = format!("/v26.0/{NUMBER}/marketing_messages");
    let sent = call(&simulator.base_url(), "POST", &path, TOKEN, &template(&phone(1), "a")).await;
    assert_eq!(sent.status(), 200);
    assert_eq!(simulator.ledger().messages().unwrap()[0].category, "marketing_lite");
    simulator.say(NUMBER, &phone(2), "hi").await.unwrap();
    assert_eq!(call(&simulator.base_url(), "POST", &path, TOKEN, &text(&phone(2))).await.code(), 131_055);
}

#[tokio::test]
async fn only_loopback_is_listened_on_and_posted_to() {
    let open = SimulatorConfig { listen: "0.0.0.0:0".parse().unwrap(), ..SimulatorConfig::default() };
    assert!(matches!(Simulator::start(open, clock()).await, Err(SimulatorError::NotLoopback(_))));
    let outward = SimulatorConfig { webhook_url: Some("http://192.0.2.1/hook".into()), ..SimulatorConfig::default() };
    assert!(matches!(Simulator::start(outward, clock()).await, Err(SimulatorError::NotLoopback(_))));
}
