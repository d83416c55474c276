use super::*;
use cofounder_testkit::clock::ManualClock;

const MILLI: Duration = Duration::from_millis(1);

fn throttle() -> (Arc<ManualClock>, Throttle) {
    let clock = Arc::new(ManualClock::default());
    (clock.clone(), Throttle::new(clock))
}

fn at(address: &str) -> IpAddr {
    address.parse().unwrap()
}

fn email(number: usize) -> Email {
    format!("{number}@example.org").parse().unwrap()
}

/// How many tries there are at once.
fn tries(throttle: &Throttle, from: &str, email: &Email) -> usize {
    (0..1000).take_while(|_| throttle.enter(at(from), Some(email)).is_ok()).count()
}

/// Tried by counting each address for itself: the test failed.
#[test]
fn a_place_has_ten_tries_and_one_more_a_minute() {
    let (clock, throttle) = throttle();
    assert_eq!(tries(&throttle, "192.0.2.1", &email(1)), 10);
    assert_eq!(throttle.enter(at("192.0.2.200"), Some(&email(2))).unwrap_err(), AGAIN);
    assert_eq!(throttle.enter(at("::ffff:192.0.2.9"), None).unwrap_err(), AGAIN);
    assert!(throttle.enter(at("192.0.3.1"), None).is_ok());
    clock.advance(AGAIN - MILLI);
    assert_eq!(throttle.enter(at("192.0.2.1"), None).unwrap_err(), MILLI);
    clock.advance(MILLI);
    assert_eq!(tries(&throttle, "192.0.2.1", &email(1)), 1);
    clock.advance(Duration::from_secs(86_400));
    assert_eq!(tries(&throttle, "192.0.2.1", &email(1)), 10, "and no more for having waited longer");
    assert_eq!(tries(&throttle, "2001:db8:0:1::1", &email(3)), 10);
    assert!(throttle.enter(at("2001:db8:0:1:ffff::2"), None).is_err());
    assert!(throttle.enter(at("2001:db8:0:2::1"), None).is_ok());
}

#[test]
fn an_address_has_thirty_tries_from_everywhere_together() {
    let (clock, throttle) = throttle();
    let all: usize = (0..10).map(|number| tries(&throttle, &format!("10.0.{number}.1"), &email(1))).sum();
    assert_eq!(all, 30);
    assert_eq!(throttle.enter(at("10.1.0.1"), Some(&email(1))).unwrap_err(), AGAIN);
    assert!(throttle.enter(at("10.1.0.1"), Some(&email(2))).is_ok());
    clock.advance(AGAIN);
    assert_eq!(tries(&throttle, "10.1.0.2", &email(1)), 1);
}

/// Tried by giving an e-mail address ten tries as well: the test failed.
#[test]
fn one_place_alone_keeps_nobody_out_elsewhere() {
    let (clock, throttle) = throttle();
    for _ in 0..1000 {
        tries(&throttle, "192.0.2.1", &email(1));
        assert!(
            throttle
                .enter(at("198.51.100.1"), Some(&email(1)))
                .map(|granted| throttle.give_back(&granted))
                .is_ok()
        );
        clock.advance(AGAIN);
    }
}

/// Tried by not remembering from where somebody signed in: the test failed.
#[test]
fn many_places_together_keep_nobody_out_where_they_signed_in_before() {
    let (clock, throttle) = throttle();
    throttle.succeeded(throttle.enter(at("198.51.100.1"), Some(&email(1))).unwrap());
    for _ in 0..100 {
        for number in 0..20 {
            tries(&throttle, &format!("10.0.{number}.1"), &email(1));
        }
        assert!(throttle.enter(at("203.0.113.1"), Some(&email(1))).is_err());
        let home = throttle.enter(at("198.51.100.77"), Some(&email(1))).unwrap();
        throttle.give_back(&home);
        clock.advance(AGAIN);
    }
    assert_eq!(tries(&throttle, "198.51.100.1", &email(1)), 10, "and there, too, nobody guesses for ever");
}

/// Tried by not giving it back, and by emptying the whole count: the test failed each time.
#[test]
fn a_right_password_is_given_back_and_forgives_no_wrong_one() {
    let (_, throttle) = throttle();
    for _ in 0..100 {
        throttle.succeeded(throttle.enter(at("192.0.2.1"), Some(&email(1))).unwrap());
    }
    for _ in 0..9 {
        let _wrong = throttle.enter(at("192.0.2.1"), Some(&email(2))).unwrap();
    }
    throttle.succeeded(throttle.enter(at("192.0.2.1"), Some(&email(1))).unwrap());
    assert_eq!(tries(&throttle, "192.0.2.1", &email(2)), 1);
}

/// Tried by leaving out the bound of buckets, then that of homes, then by forgetting the emptiest bucket: the test failed each time.
#[test]
fn a_flood_of_places_and_addresses_fills_no_memory_and_forgives_nobody() {
    let (_, throttle) = throttle();
    tries(&throttle, "192.0.2.1", &email(1));
    let from =
        |number: usize| IpAddr::from(Ipv4Addr::from(0x0a00_0000 + (u32::try_from(number).unwrap() << 8)));
    for number in 0..ENTRIES + 200 {
        throttle.succeeded(throttle.enter(from(number), Some(&email(1000 + number))).unwrap());
    }
    for number in 0..ENTRIES + 200 {
        let _wrong = throttle.enter(from(number), Some(&email(1000 + number))).unwrap();
    }
    let contents = throttle.contents();
    assert_eq!((contents.places.0.len(), contents.emails.0.len()), (ENTRIES, ENTRIES));
    assert_eq!(contents.homes.len(), ENTRIES);
    drop(contents);
    assert!(throttle.enter(at("192.0.2.1"), None).is_err(), "whoever tried hard is remembered");
}

/// Tried without the limit on what is remembered: the test failed.
#[test]
fn a_clock_that_is_set_back_makes_nobody_wait_for_long() {
    let late = Arc::new(ManualClock::at(2_000_000_000_000));
    let throttle = Throttle::new(late);
    tries(&throttle, "192.0.2.1", &email(1));
    let throttle = Throttle { clock: Arc::new(ManualClock::default()), ..throttle };
    assert_eq!(throttle.enter(at("192.0.2.1"), None).unwrap_err(), AGAIN);
}
