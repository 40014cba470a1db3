"""Example bodies of requests, by operation and by what they show, for the description of the API."""

from __future__ import annotations

from typing import Any

_TURN = {
    "user_query": "What did Krishna say to Arjuna about doing one's duty?",
    "query_category": "philosophy",
    "personality_used": "krishna",
    "response_text": "You have a right to your work alone, and never to its fruits.",
    "response_quality": "high",
    "response_time_ms": 1840,
    "model_used": "gpt-4o-mini",
    "input_tokens": 1250,
    "cached_input_tokens": 512,
    "output_tokens": 210,
    "rag_sources_used": ["Bhagavad Gita 2.47"],
    "citations_provided": ["Bhagavad Gita 2.47"],
}

_REPORTED = {name: value for name, value in _TURN.items() if not name.endswith("_tokens")} | {
    "model_used": "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
    "usage": {"input_tokens": 3, "cache_creation_input_tokens": 12304, "output_tokens": 550},
}

_INGESTED = _TURN | {
    "id": "turn-2026-11-20-000001",
    "user": {
        "tenant_id": "72f988bf-0000-4000-8000-76696d617273",
        "auth_id": "9c2a7f54-1d3e-4b8a-8f60-2b7c9d0e1f32",
        "email": "alice@contoso.example",
        "name": "Alice Liddell",
        "timezone": "Asia/Kolkata",
    },
    "session_id": "0d9f5a0e-4f0b-4a3c-9c55-7d2f6b1a8e43",
    "timestamp": "2026-11-20T09:30:00Z",
    "ip_address": "203.0.113.7",
}

BODIES: dict[str, dict[str, dict[str, Any]]] = {
    "start_session": {
        "in the user's zone": {"timezone": "Asia/Kolkata"},
        "as the profile has it": {},
        "a temporary chat": {"expires_after_seconds": 86400},
    },
    "edit_session": {
        "named and kept at the top": {
            "title": "Duty in the Gita",
            "is_pinned": True,
            "folder": "Reading",
            "tags": ["gita"],
        },
        "put aside": {"is_archived": True},
        "ended well": {"is_active": False, "completed_successfully": True},
        "another zone": {"timezone": "Europe/Paris"},
    },
    "record_interaction": {
        "a turn": _TURN,
        "without its texts": _TURN | {"store_texts": False},
        "with the provider's usage": _REPORTED,
    },
    "give_feedback": {
        "five stars": {"user_rating": 5, "user_feedback": "Just what I needed.", "was_helpful": True},
        "taken back": {"user_rating": None},
    },
    "ingest_turns": {"one turn": {"turns": [_INGESTED]}},
    "save_bookmark": {
        "with notes": {
            "interaction_id": "5b0c1b52-9c0e-4a6e-8f0e-3f4f0e0a7c11",
            "bookmark_title": "On duty",
            "bookmark_tags": ["gita", "duty"],
            "bookmark_notes": "Read again before the exam.",
            "bookmark_collection": "Philosophy",
            "is_favorite": True,
        }
    },
    "edit_bookmark": {"another collection": {"bookmark_collection": "Ethics"}, "no favourite": {"is_favorite": False}},
    "moderate_user": {
        "suspended": {"action": "suspend", "reason": "Sells access to the account, see ticket 4711."},
        "a note": {"action": "note", "reason": "Asked by mail to verify the address."},
    },
    "move_email_claim": {
        "after a marriage": {"reason": "The address went to her with her new account, see ticket 4712."}
    },
    "make_answer": {
        "a question": {"question": "What does the Gita say about duty?", "personality_used": "krishna"},
        "briefly": {
            "question": "And in one sentence?",
            "instructions": "Answer in one sentence.",
            "max_output_tokens": 200,
        },
    },
    "admit": {"a short answer": {"model": "gpt-4o-mini", "input_tokens": 1250, "max_output_tokens": 800}},
    "set_user_limits": {
        "for an event": {
            "limits": {"day": {"queries": 5000, "cost_usd": 40}, "minute": {"queries": "unlimited"}},
            "until": "2026-12-01T00:00:00Z",
            "reason": "Runs the workshop of 30 November.",
        },
        "as everybody": {"limits": {}, "reason": "The workshop is over."},
    },
    "dismiss_finding": {
        "a test of ours": {
            "rule": "repetitive_queries",
            "fingerprint": "0f1e2d3c4b5a6978",
            "reason": "The school's own rehearsal, confirmed by its teacher.",
        }
    },
    "redrive_dead_letters": {
        "one letter": {
            "letters": [
                {
                    "partition_key": "3a5c8f10-6b1d-5e2f-9c47-0d1e2f3a4b5c",
                    "id": "dead-letter-0f1e2d3c4b5a69788796a5b4c3d2e1f0",
                }
            ]
        }
    },
    "set_review_visibility": {"taken down": {"hidden": True, "reason": "Advertises, see ticket 4712."}},
    "import_documents": {
        "a favourite": {
            "source": "chat-2024",
            "documents": [
                {
                    "id": "4711",
                    "kind": "favorite",
                    "user": _INGESTED["user"],
                    "created_at": "2024-05-01T08:00:00Z",
                    "content": {"item_type": "agent", "item_id": "socrates", "item_name": "Socrates"},
                }
            ],
        }
    },
    "choose_primary_organization": {"a school": {"organization_id": "3a5c8f10-6b1d-5e2f-9c47-0d1e2f3a4b5c"}},
    "set_group": {"of teachers": {"role": "teacher"}},
    "correct_birth_year": {"as seen": {"birth_year": 2012, "method": "Birth certificate"}},
    "ask_for_guardian": {"a mother": {"parent_id": "3a5c8f10-6b1d-5e2f-9c47-0d1e2f3a4b5c", "relation": "mother"}},
    "ask_for_ward": {"a son": {"student_id": "3a5c8f10-6b1d-5e2f-9c47-0d1e2f3a4b5c", "relation": "mother"}},
    "change_guardianship": {
        "confirmed by a school": {
            "action": "confirm",
            "organization_id": "5b0c1b52-9c0e-4a6e-8f0e-3f4f0e0a7c11",
            "method": "Seen with an identity card at the office.",
            "is_primary": True,
        },
        "consent": {"action": "grant"},
        "no longer": {"action": "withdraw"},
    },
    "create_organization": {
        "a school": {"organization_type": "school", "name": "Lakeside School", "timezone": "Asia/Kolkata"},
        "a customer with seats": {"organization_type": "tenant", "name": "Acme", "seat_limit": 50},
    },
    "edit_organization": {"switched off": {"is_active": False}},
    "run_organization": {"more seats": {"seat_limit": 100, "is_verified": True}},
    "add_member": {
        "a teacher until summer": {
            "user_id": "3a5c8f10-6b1d-5e2f-9c47-0d1e2f3a4b5c",
            "role": "teacher",
            "effective_to": "2027-07-31",
        }
    },
    "hand_over_organization": {"another member": {"user_id": "3a5c8f10-6b1d-5e2f-9c47-0d1e2f3a4b5c"}},
    "create_invitation": {"a teacher": {"email": "bob@contoso.example", "role": "teacher", "section": "Physics"}},
    "create_invitations": {
        "two pupils": {
            "invitations": [
                {"email": "carol@contoso.example", "role": "student", "section": "5A"},
                {"email": "dave@contoso.example", "role": "student", "section": "5A"},
            ]
        }
    },
    "accept_invitation": {
        "by its token": {"token": "5b0c1b52-9c0e-4a6e-8f0e-3f4f0e0a7c11.kJ3vK2mZ0bqYw9xT4nR7uP1sD6fG8hL5"}
    },
    "decline_invitation": {
        "one of the list": {
            "organization_id": "5b0c1b52-9c0e-4a6e-8f0e-3f4f0e0a7c11",
            "invitation_id": "invitation-0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        }
    },
    "create_role": {
        "of a librarian": {"name": "librarian", "description": "Keeps the books", "permissions": ["members.read"]}
    },
    "edit_role": {"gives less": {"permissions": []}},
    "assign_role": {
        "a teacher": {"role": "teacher"},
        "a head's stand-in for a month": {
            "role": "admin",
            "is_acting": True,
            "effective_from": "2026-11-20",
            "effective_to": "2026-12-20",
            "reason": "The head is away.",
        },
    },
    "edit_assignment": {"ends with the term": {"effective_to": "2026-12-18"}, "primary": {"is_primary": True}},
    "grant_permission": {"for the term": {"effective_to": "2026-12-18"}, "without an end": {}},
    "start_rebuild": {
        "everybody, only to report": {"user_id": None, "repair": False},
        "one user, repaired": {"user_id": "3a5c8f10-6b1d-5e2f-9c47-0d1e2f3a4b5c", "repair": True},
    },
    "start_repricing": {
        "what November costs by new prices, only to tell": {
            "user_id": None,
            "from": "2026-11-01T00:00:00Z",
            "to": "2026-12-01T00:00:00Z",
            "dry_run": True,
        },
    },
    "edit_me": {
        "consent and preferences": {
            "timezone": "Asia/Kolkata",
            "preferred_language": "hi",
            "marketing_consent": False,
            "user_preferences": {"favorite_personalities": ["krishna", "socrates"], "complexity_level": "advanced"},
        },
        "as little as can be kept": {
            "data_retention_consent": False,
            "analytics_consent": False,
            "text_storage_consent": False,
        },
    },
}
