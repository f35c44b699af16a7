//! Who has to go, in which order, and when.

use std::net::Ipv4Addr;

use super::*;

fn roster(all: usize, per_address: usize) -> Arc<Roster> {
    Roster::new(Connections { all, per_address })
}

fn address(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}

async fn admitted(roster: &Arc<Roster>, last: u8) -> Place {
    tokio::time::advance(Duration::from_millis(10)).await;
    roster.admit(address(last), true).await.unwrap()
}

fn told_to_go(place: &Place) -> bool {
    place.line().order.load(Relaxed) == CLOSE
}

#[tokio::test(start_paused = true)]
async fn a_stranger_that_waits_longest_makes_room_and_a_delivery_being_kept_never() {
    let roster = roster(4, 4);
    let [keeping, resting, slow, fresh] = [
        admitted(&roster, 1).await,
        admitted(&roster, 2).await,
        admitted(&roster, 3).await,
        admitted(&roster, 4).await,
    ];
    keeping.line().enter(Phase::Store);
    resting.line().delivered();
    resting.line().enter(Phase::Rest);
    tokio::time::advance(Duration::from_millis(10)).await;
    slow.line().heard();
    // The slow one was heard of after the fresh one came, so that one has been waited for longer.
    let fifth = admitted(&roster, 5).await;
    assert!(told_to_go(&fresh) && !told_to_go(&slow));
    fifth.line().enter(Phase::Store);
    let sixth = admitted(&roster, 6).await;
    assert!(told_to_go(&slow) && !told_to_go(&resting));
    sixth.line().enter(Phase::Store);
    let seventh = admitted(&roster, 7).await;
    assert!(told_to_go(&resting), "who delivered goes last");
    seventh.line().enter(Phase::Store);
    let refused = tokio::time::timeout(Duration::from_secs(1), roster.admit(address(8), true)).await;
    assert!(refused.is_err(), "all others are being kept: it waits");
    drop(keeping);
    assert!(roster.admit(address(8), true).await.is_some());
    assert_eq!(roster.port().evicted, 3);
}

#[tokio::test(start_paused = true)]
async fn an_address_has_its_share_and_takes_room_from_itself_alone() {
    let roster = roster(100, 2);
    let other = admitted(&roster, 1).await;
    let places = [admitted(&roster, 2).await, admitted(&roster, 2).await];
    let third = admitted(&roster, 2).await;
    assert!(told_to_go(&places[0]) && !told_to_go(&places[1]) && !told_to_go(&other));
    for place in [&places[1], &third] {
        place.line().enter(Phase::Store);
    }
    assert!(roster.admit(address(2), true).await.is_none());
    assert!(roster.admit(address(2), false).await.is_some(), "a proxy stands for many");
    drop(places);
    assert!(roster.admit(address(2), true).await.is_some());
}

#[test]
fn one_ipv6_line_is_one_address() {
    let whose = |text: &str| whose(text.parse().unwrap());
    assert_eq!(whose("2001:db8::1"), whose("2001:db8::ffff:2"));
    assert_ne!(whose("2001:db8:0:1::1"), whose("2001:db8:0:2::1"));
    assert_eq!(whose("::ffff:192.0.2.1"), address(1));
}

#[tokio::test(start_paused = true)]
async fn every_phase_has_its_limit() {
    for phase in Phase::ALL {
        let roster = roster(4, 4);
        let place = admitted(&roster, 1).await;
        place.line().enter(phase);
        assert_eq!(place.line().phase(), phase);
        tokio::time::advance(phase.limit()).await;
        roster.look();
        assert!(!told_to_go(&place), "{phase:?} has its whole time");
        tokio::time::advance(Duration::from_millis(1)).await;
        roster.look();
        assert!(told_to_go(&place), "{phase:?}");
        assert_eq!(place.line().order(None).await, Order::Close);
        assert_eq!(roster.port().open, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn who_holds_most_of_a_body_makes_room_for_others() {
    let roster = roster(8, 8);
    let places = [admitted(&roster, 1).await, admitted(&roster, 2).await, admitted(&roster, 3).await];
    for place in &places {
        place.line().enter(Phase::Body);
    }
    assert!(places[0].line().hold(limits::BODY_BYTES / 2));
    assert!(places[1].line().hold(limits::BODY_BYTES / 3));
    assert!(!told_to_go(&places[0]));
    assert!(places[2].line().hold(limits::BODY_BYTES / 3));
    assert!(told_to_go(&places[0]) && !told_to_go(&places[1]));
    drop(places);
    assert_eq!(roster.held.load(Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stop_sends_idle_ones_away_and_lets_others_finish() {
    let roster = roster(8, 8);
    let (idle, busy) = (admitted(&roster, 1).await, admitted(&roster, 2).await);
    busy.line().enter(Phase::Store);
    roster.dismiss();
    assert_eq!(idle.line().order(None).await, Order::Close);
    assert_eq!(busy.line().order(None).await, Order::Finish);
    assert!(roster.is_asked());
    drop(busy);
    assert!(!roster.is_asked());
}
