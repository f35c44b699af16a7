//! Invented people: names of many countries, addresses that belong to nobody.

use fastrand::Rng;

/// A name and how it is written in an e-mail address.
type Name = (&'static str, &'static str);

/// Where people come from: a country, a place there, and names that are common there.
struct Origin {
    country: &'static str,
    latitude: f64,
    longitude: f64,
    first: [Name; 5],
    last: [Name; 5],
}

macro_rules! origin {
    ($country:literal, $lat:literal, $long:literal, [$($first:literal $f:literal),+], [$($last:literal $l:literal),+]) => {
        Origin {
            country: $country,
            latitude: $lat,
            longitude: $long,
            first: [$(($first, $f)),+],
            last: [$(($last, $l)),+],
        }
    };
}

const ORIGINS: [Origin; 13] = [
    origin!("DE", 52.52, 13.4,
        ["Zoë" "zoe", "Jürgen" "juergen", "Anneke" "anneke", "Matthias" "matthias", "Käthe" "kaethe"],
        ["Müller" "mueller", "Weiß" "weiss", "Schröder" "schroeder", "Brandt" "brandt", "von der Heide" "vonderheide"]),
    origin!("PL", 52.23, 21.01,
        ["Łukasz" "lukasz", "Małgorzata" "malgorzata", "Wojciech" "wojciech", "Zofia" "zofia", "Paweł" "pawel"],
        ["Wiśniewski" "wisniewski", "Dąbrowska" "dabrowska", "Zieliński" "zielinski", "Wójcik" "wojcik", "Nowak" "nowak"]),
    origin!("ES", 40.42, -3.7,
        ["José" "jose", "Begoña" "begona", "Íñigo" "inigo", "Lucía" "lucia", "Andrés" "andres"],
        ["García" "garcia", "Ibáñez" "ibanez", "Muñoz" "munoz", "de la Cruz" "delacruz", "Peña" "pena"]),
    origin!("IE", 53.35, -6.26,
        ["Siobhán" "siobhan", "Cormac" "cormac", "Aoife" "aoife", "Declan" "declan", "Niamh" "niamh"],
        ["O'Brien" "obrien", "McCarthy" "mccarthy", "O'Sullivan" "osullivan", "Byrne" "byrne", "Gallagher" "gallagher"]),
    origin!("JP", 35.68, 139.69,
        ["陽子" "yoko", "健太" "kenta", "美咲" "misaki", "大輔" "daisuke", "さくら" "sakura"],
        ["田中" "tanaka", "佐藤" "sato", "高橋" "takahashi", "渡辺" "watanabe", "伊藤" "ito"]),
    origin!("IN", 18.52, 73.86,
        ["Priya" "priya", "Arjun" "arjun", "Ananya" "ananya", "Vikram" "vikram", "Meera" "meera"],
        ["Sharma" "sharma", "Iyer" "iyer", "Chatterjee" "chatterjee", "Reddy" "reddy", "Kulkarni" "kulkarni"]),
    origin!("NG", 6.52, 3.38,
        ["Chidinma" "chidinma", "Olúwaṣeun" "oluwaseun", "Emeka" "emeka", "Ngozi" "ngozi", "Tunde" "tunde"],
        ["Okonkwo" "okonkwo", "Adébáyọ̀" "adebayo", "Eze" "eze", "Balogun" "balogun", "Nwosu" "nwosu"]),
    origin!("BR", -23.55, -46.63,
        ["João" "joao", "Thaís" "thais", "Caetano" "caetano", "Letícia" "leticia", "Otávio" "otavio"],
        ["Conceição" "conceicao", "Araújo" "araujo", "Magalhães" "magalhaes", "Pires" "pires", "dos Santos" "dossantos"]),
    origin!("US", 40.71, -74.0,
        ["Maya" "maya", "Tyrell" "tyrell", "Grace" "grace", "Jordan" "jordan", "Eleanor" "eleanor"],
        ["Whitfield" "whitfield", "Nguyen" "nguyen", "Castellano" "castellano", "Lee" "lee", "Washington" "washington"]),
    origin!("SE", 59.33, 18.07,
        ["Åsa" "asa", "Björn" "bjorn", "Linnéa" "linnea", "Sören" "soren", "Freja" "freja"],
        ["Öberg" "oberg", "Lindström" "lindstrom", "Håkansson" "hakansson", "Ek" "ek", "Sjögren" "sjogren"]),
    origin!("TR", 41.01, 28.98,
        ["Çağla" "cagla", "Emre" "emre", "Şebnem" "sebnem", "İlker" "ilker", "Gül" "gul"],
        ["Yıldırım" "yildirim", "Öztürk" "ozturk", "Şahin" "sahin", "Demir" "demir", "Kılıç" "kilic"]),
    origin!("CZ", 50.08, 14.44,
        ["Tomáš" "tomas", "Markéta" "marketa", "Jiří" "jiri", "Božena" "bozena", "Ondřej" "ondrej"],
        ["Dvořák" "dvorak", "Černá" "cerna", "Růžička" "ruzicka", "Němec" "nemec", "Šťastný" "stastny"]),
    origin!("KR", 37.57, 126.98,
        ["지우" "jiwoo", "민준" "minjun", "서연" "seoyeon", "하윤" "hayoon", "도현" "dohyun"],
        ["김" "kim", "박" "park", "최" "choi", "정" "jung", "강" "kang"]),
];

/// The networks set aside for documentation.
const NETWORKS: [&str; 3] = ["203.0.113", "198.51.100", "192.0.2"];
const DEVICES: [(&str, &str, &str); 6] = [
    ("Chrome", "148.0.0.0", "PC – Windows"),
    ("Chrome", "147.0.0.0", "PC – Macbook"),
    ("Firefox", "151.0", "PC – Linux"),
    ("Safari", "19.4", "PC – Macbook"),
    ("Edge", "148.0.0.0", "PC – Windows"),
    ("Brave", "148.0.0.0", "PC – Macbook"),
];

/// Somebody who does not exist.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// First name.
    pub first: &'static str,
    /// Last name.
    pub last: &'static str,
    /// `first_last`, in plain letters.
    pub slug: String,
    /// An address at one of the domains for examples.
    pub email: String,
    /// Two letters.
    pub country: &'static str,
    /// Degrees, as text.
    pub latitude: String,
    /// Degrees, as text.
    pub longitude: String,
    /// From a network for documentation.
    pub ip: String,
    /// The address after a change of network.
    pub other_ip: String,
    /// Name of the browser.
    pub browser: &'static str,
    /// Its version.
    pub browser_version: &'static str,
    /// Kind of computer.
    pub device: &'static str,
}

impl Person {
    /// The person that these random numbers make; `number` keeps addresses apart.
    #[must_use]
    pub fn new(rng: &mut Rng, number: u64) -> Self {
        let origin = rng.choice(&ORIGINS).unwrap_or(const { &ORIGINS[0] });
        let (first, first_slug) = rng.choice(origin.first).unwrap_or_default();
        let (last, last_slug) = rng.choice(origin.last).unwrap_or_default();
        let domain = rng.choice(["com", "org", "net"]).unwrap_or("com");
        let host = rng.u8(2..250);
        let network = rng.choice(NETWORKS).unwrap_or("192.0.2");
        let (browser, browser_version, device) = rng.choice(DEVICES).unwrap_or_default();
        let slug = format!("{first_slug}_{last_slug}");
        Self {
            first,
            last,
            email: format!("{first_slug}.{last_slug}{number}@example.{domain}"),
            slug,
            country: origin.country,
            latitude: format!("{:.4}", origin.latitude + rng.f64() - 0.5),
            longitude: format!("{:.4}", origin.longitude + rng.f64() - 0.5),
            ip: format!("{network}.{host}"),
            other_ip: format!("{network}.{}", host + 3),
            browser,
            browser_version,
            device,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_plain_and_apart() {
        let mut rng = Rng::with_seed(1);
        let people: Vec<_> = (0..500).map(|number| Person::new(&mut rng, number)).collect();
        let emails: std::collections::HashSet<_> = people.iter().map(|person| &person.email).collect();
        assert_eq!(emails.len(), 500);
        assert!(people.iter().all(|person| person.email.is_ascii() && !person.email.contains(' ')));
        assert!(people.iter().any(|person| person.first == "Łukasz"));
    }
}
