CREATE TABLE `writekey_activity` (
  `key_id` varchar(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `last_event_at` bigint(20) NOT NULL,
  PRIMARY KEY (`key_id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `writekey_activity` VALUES ('wk_Hwtt8xQ1772rjn9M',1795726000634);
CREATE TABLE `writekey_audit` (
  `id` varchar(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `at` bigint(20) NOT NULL,
  `action` varchar(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `actor` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `address` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `key_id` varchar(80) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `fields_before` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `fields_after` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `writekey_audit_at` (`at`,`id`),
  KEY `writekey_audit_key` (`key_id`,`at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `writekey_audit` VALUES ('aud_AnhBf6kZ7JZDIbMe',1795726000604,'create','ops','192.0.2.1','wk_Vmy4IH4L9IoR9ZpV',NULL,'{\"name\":\"Gone\",\"sourceType\":\"mobile\",\"environment\":\"production\",\"status\":\"active\",\"rateLimitEps\":null,\"allowedEventTypes\":null,\"allowedEventNames\":null,\"deniedEventNames\":null,\"allowedOrigins\":null,\"allowedIps\":null,\"deniedIps\":null,\"expiresAt\":null,\"metadata\":null,\"revokedAt\":null,\"secrets\":[{\"id\":\"sec_RF5cOhOgOAGYPamD\",\"start\":\"sk_live_syyV\",\"expiresAt\":null}]}');
INSERT INTO `writekey_audit` VALUES ('aud_FhZEPvNAPcpHCam1',1795726000618,'rotate','ops','192.0.2.1','wk_Hwtt8xQ1772rjn9M','{\"secrets\":[{\"id\":\"sec_qPWm1ALflJfKpoed\",\"start\":\"sk_live_7arR\",\"expiresAt\":null}]}','{\"secrets\":[{\"id\":\"sec_qPWm1ALflJfKpoed\",\"start\":\"sk_live_7arR\",\"expiresAt\":1795812400618},{\"id\":\"sec_A21q7TKjjx0FowEF\",\"start\":\"sk_live_06Ex\",\"expiresAt\":null}]}');
INSERT INTO `writekey_audit` VALUES ('aud_GLPiyvSDieRTQXyy',1795726000612,'create','ops','192.0.2.1','wk_nBSIzMA84LqmkLdL',NULL,'{\"name\":\"Leaked\",\"sourceType\":\"other\",\"environment\":\"production\",\"status\":\"active\",\"rateLimitEps\":null,\"allowedEventTypes\":null,\"allowedEventNames\":null,\"deniedEventNames\":null,\"allowedOrigins\":null,\"allowedIps\":null,\"deniedIps\":null,\"expiresAt\":null,\"metadata\":null,\"revokedAt\":null,\"secrets\":[{\"id\":\"sec_8mdUI6gqnkajotCl\",\"start\":\"sk_live_OgFL\",\"expiresAt\":null}]}');
INSERT INTO `writekey_audit` VALUES ('aud_LcQLfZuNkGXGWUsV',1795726000475,'create','ops','192.0.2.1','wk_NhbEsaprvL7WjCJL',NULL,'{\"name\":\"Web O\'Brien \\\\ Größe 🌍\",\"sourceType\":\"web\",\"environment\":\"production\",\"status\":\"active\",\"rateLimitEps\":500,\"allowedEventTypes\":[\"track\",\"page\"],\"allowedEventNames\":null,\"deniedEventNames\":null,\"allowedOrigins\":[\"https://app.example.com\"],\"allowedIps\":null,\"deniedIps\":null,\"expiresAt\":null,\"metadata\":{\"team\":\"growth\"},\"revokedAt\":null,\"secrets\":[{\"id\":\"sec_9XQkkTOEdnONfCx7\",\"start\":\"sk_live_Jn0v\",\"expiresAt\":null}]}');
INSERT INTO `writekey_audit` VALUES ('aud_Lw7ItgqPluGlzQPY',1795726000644,'revoke','ops','192.0.2.1','wk_nBSIzMA84LqmkLdL','{\"status\":\"active\",\"revokedAt\":null}','{\"status\":\"revoked\",\"revokedAt\":1795726000644}');
INSERT INTO `writekey_audit` VALUES ('aud_iiCOn7WL4BDwiAj1',1795726000595,'create','ops','192.0.2.1','wk_Hwtt8xQ1772rjn9M',NULL,'{\"name\":\"Server\",\"sourceType\":\"server\",\"environment\":\"production\",\"status\":\"active\",\"rateLimitEps\":null,\"allowedEventTypes\":null,\"allowedEventNames\":null,\"deniedEventNames\":null,\"allowedOrigins\":null,\"allowedIps\":null,\"deniedIps\":null,\"expiresAt\":null,\"metadata\":null,\"revokedAt\":null,\"secrets\":[{\"id\":\"sec_qPWm1ALflJfKpoed\",\"start\":\"sk_live_7arR\",\"expiresAt\":null}]}');
INSERT INTO `writekey_audit` VALUES ('aud_qwhQIcutTAtexJlp',1795726000635,'remove','ops','192.0.2.1','wk_Vmy4IH4L9IoR9ZpV','{\"name\":\"Gone\",\"sourceType\":\"mobile\",\"environment\":\"production\",\"status\":\"active\",\"rateLimitEps\":null,\"allowedEventTypes\":null,\"allowedEventNames\":null,\"deniedEventNames\":null,\"allowedOrigins\":null,\"allowedIps\":null,\"deniedIps\":null,\"expiresAt\":null,\"metadata\":null,\"revokedAt\":null,\"secrets\":[{\"id\":\"sec_RF5cOhOgOAGYPamD\",\"start\":\"sk_live_syyV\",\"expiresAt\":null}]}',NULL);
CREATE TABLE `writekey_changes` (
  `revision` bigint(20) NOT NULL,
  `key_id` varchar(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (`revision`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `writekey_changes` VALUES (2,'wk_NhbEsaprvL7WjCJL');
INSERT INTO `writekey_changes` VALUES (3,'wk_Hwtt8xQ1772rjn9M');
INSERT INTO `writekey_changes` VALUES (4,'wk_Vmy4IH4L9IoR9ZpV');
INSERT INTO `writekey_changes` VALUES (5,'wk_nBSIzMA84LqmkLdL');
INSERT INTO `writekey_changes` VALUES (6,'wk_Hwtt8xQ1772rjn9M');
INSERT INTO `writekey_changes` VALUES (7,'wk_Vmy4IH4L9IoR9ZpV');
INSERT INTO `writekey_changes` VALUES (8,'wk_nBSIzMA84LqmkLdL');
CREATE TABLE `writekey_keys` (
  `id` varchar(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `name` varchar(400) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `name_folded` varchar(400) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `source_type` varchar(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `environment` varchar(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `status` varchar(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `rate_limit_eps` double DEFAULT NULL,
  `allowed_event_types` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `allowed_event_names` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `denied_event_names` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `allowed_origins` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `allowed_ips` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `denied_ips` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `expires_at` bigint(20) DEFAULT NULL,
  `metadata` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `created_at` bigint(20) NOT NULL,
  `updated_at` bigint(20) NOT NULL,
  `revoked_at` bigint(20) DEFAULT NULL,
  `version` bigint(20) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `writekey_keys_created` (`created_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `writekey_keys` VALUES ('wk_Hwtt8xQ1772rjn9M','Server','server','server','production','active',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795726000595,1795726000618,NULL,2);
INSERT INTO `writekey_keys` VALUES ('wk_NhbEsaprvL7WjCJL','Web O\'Brien \\ Größe 🌍','web o\'brien \\ größe 🌍','web','production','active',500,'[\"track\",\"page\"]',NULL,NULL,'[\"https://app.example.com\"]',NULL,NULL,NULL,'{\"team\":\"growth\"}',1795726000475,1795726000475,NULL,1);
INSERT INTO `writekey_keys` VALUES ('wk_nBSIzMA84LqmkLdL','Leaked','leaked','other','production','revoked',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795726000612,1795726000644,1795726000644,2);
CREATE TABLE `writekey_leases` (
  `holder` varchar(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `lease_ms` bigint(20) NOT NULL,
  `refreshed_at` bigint(20) NOT NULL,
  PRIMARY KEY (`holder`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `writekey_leases` VALUES ('lse_still_running',3000,1795726000663);
CREATE TABLE `writekey_meta` (
  `id` bigint(20) NOT NULL,
  `schema_version` bigint(20) NOT NULL,
  `revision` bigint(20) NOT NULL,
  `pruned_revision` bigint(20) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `writekey_meta` VALUES (1,1,8,1);
CREATE TABLE `writekey_secrets` (
  `id` varchar(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `key_id` varchar(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `key_hash` binary(32) NOT NULL,
  `start_chars` varchar(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `position` bigint(20) NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `expires_at` bigint(20) DEFAULT NULL,
  `last_used_at` bigint(20) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `writekey_secrets_hash` (`key_hash`),
  KEY `writekey_secrets_key` (`key_id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `writekey_secrets` VALUES ('sec_8mdUI6gqnkajotCl','wk_nBSIzMA84LqmkLdL',0x3FA4FFE79ABA126E4BEC4102042F00908CDADF8422665D81DF3177544DC68D95,'sk_live_OgFL',0,1795726000612,NULL,NULL);
INSERT INTO `writekey_secrets` VALUES ('sec_9XQkkTOEdnONfCx7','wk_NhbEsaprvL7WjCJL',0xE872ACB2B354948F78D853E9F996D222175AC496428A511F08957469016F676B,'sk_live_Jn0v',0,1795726000475,NULL,NULL);
INSERT INTO `writekey_secrets` VALUES ('sec_A21q7TKjjx0FowEF','wk_Hwtt8xQ1772rjn9M',0x22D68CBB35D256B3F2BC9D7FE07800561DFCB2BAF1DA4C6CC1A24F37AA950CFC,'sk_live_06Ex',1,1795726000618,NULL,NULL);
INSERT INTO `writekey_secrets` VALUES ('sec_qPWm1ALflJfKpoed','wk_Hwtt8xQ1772rjn9M',0x52458D597E9CEA6976F61E2EDF5272804C4616557B5E40EB2200F292DB1DA2E6,'sk_live_7arR',0,1795726000595,1795812400618,1795726000634);
CREATE TABLE `writekey_usage` (
  `key_id` varchar(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `bucket_at` bigint(20) NOT NULL,
  `kind` varchar(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `name` varchar(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `total` bigint(20) NOT NULL,
  PRIMARY KEY (`key_id`,`bucket_at`,`kind`,`name`),
  KEY `writekey_usage_bucket` (`bucket_at`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `writekey_usage` VALUES ('wk_Hwtt8xQ1772rjn9M',1795725900000,'accepted','track',1);
