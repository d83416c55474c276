//! What a schema is, as lines that can be compared.

use cofounder_storage::Location;
use std::collections::BTreeSet;

use crate::lines;

/// Everything that the database itself says of its schema.
pub(crate) async fn dump(place: &Location) -> Vec<String> {
    let text = match place {
        Location::Sqlite(_) => {
            "SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS line FROM sqlite_master ORDER BY 1"
        }
        Location::Postgres(_) => POSTGRES_DUMP,
    };
    lines(place, text).await
}

/// What both kinds of database have to have in common: tables, columns, defaults, keys, indexes, references, triggers.
pub(crate) async fn shape(place: &Location) -> BTreeSet<String> {
    let texts = match place {
        Location::Sqlite(_) => SQLITE_SHAPE,
        Location::Postgres(_) => POSTGRES_SHAPE,
    };
    let mut shape = BTreeSet::new();
    for text in texts {
        let found = lines(place, text).await;
        assert!(!found.is_empty(), "{text}");
        shape.extend(found);
    }
    shape
}

/// The names of the tables, but for the book of migrations.
pub(crate) async fn tables(place: &Location) -> Vec<String> {
    let text = match place {
        Location::Sqlite(_) => {
            "SELECT name AS line FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        }
        Location::Postgres(_) => {
            "SELECT table_name::text AS line FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name COLLATE \"C\""
        }
    };
    let mut names = lines(place, text).await;
    names.retain(|name| name != "schema_migrations");
    names
}

/// The names of a table's columns.
pub(crate) async fn columns(place: &Location, table: &str) -> Vec<String> {
    let text = match place {
        Location::Sqlite(_) => format!("SELECT name AS line FROM pragma_table_info('{table}') ORDER BY cid"),
        Location::Postgres(_) => format!(
            "SELECT column_name::text AS line FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"
        ),
    };
    lines(place, &text).await
}

const POSTGRES_DUMP: &str = "
    SELECT line FROM (
      SELECT concat_ws(' ', table_name, column_name, ordinal_position, data_type, is_nullable, column_default, collation_name, identity_generation) AS line
        FROM information_schema.columns WHERE table_schema = 'public'
      UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
      UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE conrelid <> 0 AND connamespace = 'public'::regnamespace
      UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
      UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    ) AS everything ORDER BY line COLLATE \"C\"";

const SQLITE_SHAPE: &[&str] = &[
    "SELECT 'column ' || m.name || '.' || c.name || CASE c.type WHEN 'TEXT' THEN ' text' WHEN 'BLOB' THEN ' bytes' ELSE ' number' END
       || CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN '' ELSE ' or nothing' END || coalesce(' default ' || c.dflt_value, '') AS line
     FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
    "SELECT 'key ' || m.name || ' ' || c.pk || ' ' || c.name AS line
     FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND c.pk > 0",
    "SELECT 'unique ' || m.name || ' (' || (SELECT group_concat(i.name) FROM pragma_index_info(l.name) i) || ')' AS line
     FROM sqlite_master m, pragma_index_list(m.name) l WHERE m.type = 'table' AND l.origin = 'u'",
    "SELECT 'index ' || l.name || ' of ' || m.name || ' (' || (SELECT group_concat(i.name) FROM pragma_index_info(l.name) i) || ')'
       || CASE l.\"unique\" WHEN 1 THEN ' unique' ELSE '' END || CASE l.partial WHEN 1 THEN ' partial' ELSE '' END AS line
     FROM sqlite_master m, pragma_index_list(m.name) l WHERE m.type = 'table' AND l.origin = 'c'",
    "SELECT 'reference ' || m.name || '.' || f.\"from\" || ' to ' || f.\"table\" || '.' || f.\"to\" || ' '
       || CASE f.on_delete WHEN 'CASCADE' THEN 'c' ELSE 'a' END AS line
     FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
    "SELECT 'trigger ' || name || ' on ' || tbl_name AS line FROM sqlite_master WHERE type = 'trigger'",
];

const POSTGRES_SHAPE: &[&str] = &[
    "SELECT 'column ' || table_name || '.' || column_name || CASE data_type WHEN 'text' THEN ' text' WHEN 'bytea' THEN ' bytes' WHEN 'bigint' THEN ' number' ELSE ' ?' END
       || CASE is_nullable WHEN 'NO' THEN '' ELSE ' or nothing' END || coalesce(' default ' || replace(column_default, '::text', ''), '') AS line
     FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT 'key ' || x.indrelid::regclass || ' ' || k || ' ' || pg_get_indexdef(x.indexrelid, k, true) AS line
     FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid, generate_series(1, x.indnkeyatts) k
     WHERE x.indisprimary AND c.relnamespace = 'public'::regnamespace",
    "SELECT 'unique ' || x.indrelid::regclass || ' (' || (SELECT string_agg(pg_get_indexdef(x.indexrelid, k, true), ',' ORDER BY k) FROM generate_series(1, x.indnkeyatts) k) || ')' AS line
     FROM pg_index x JOIN pg_constraint u ON u.conindid = x.indexrelid AND u.contype = 'u' WHERE u.connamespace = 'public'::regnamespace",
    "SELECT 'index ' || x.indexrelid::regclass || ' of ' || x.indrelid::regclass || ' ('
       || (SELECT string_agg(pg_get_indexdef(x.indexrelid, k, true), ',' ORDER BY k) FROM generate_series(1, x.indnkeyatts) k) || ')'
       || CASE WHEN x.indisunique THEN ' unique' ELSE '' END || CASE WHEN x.indpred IS NULL THEN '' ELSE ' partial' END AS line
     FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid WHERE c.relnamespace = 'public'::regnamespace
       AND NOT EXISTS (SELECT 1 FROM pg_constraint u WHERE u.conindid = x.indexrelid AND u.contype IN ('p', 'u'))",
    "SELECT 'reference ' || f.conrelid::regclass || '.' || a.attname || ' to ' || f.confrelid::regclass || '.' || b.attname || ' ' || f.confdeltype::text AS line
     FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
     JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = f.confkey[1] WHERE f.contype = 'f'",
    "SELECT 'trigger ' || tgname || ' on ' || tgrelid::regclass AS line FROM pg_trigger WHERE NOT tgisinternal",
];
