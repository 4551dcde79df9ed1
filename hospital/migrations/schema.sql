COLUMN alembic_version.version_num character varying(32) NOT NULL
COLUMN billing_account.due bigint NOT NULL
COLUMN billing_account.ended_at timestamp with time zone
COLUMN billing_account.episode_id uuid NOT NULL
COLUMN billing_account.frozen_bill jsonb
COLUMN billing_account.id uuid NOT NULL
COLUMN billing_account.opened_at timestamp with time zone NOT NULL
COLUMN billing_account.patient_id uuid NOT NULL
COLUMN billing_account.settled_at timestamp with time zone
COLUMN billing_account.state text NOT NULL
COLUMN billing_allocation.at timestamp with time zone NOT NULL
COLUMN billing_allocation.entry_id uuid NOT NULL
COLUMN billing_allocation.excess bigint NOT NULL
COLUMN billing_allocation.quality text NOT NULL
COLUMN billing_allocation.request_id uuid NOT NULL
COLUMN billing_allocation.to_request bigint NOT NULL
COLUMN billing_allocation.transaction_id uuid NOT NULL
COLUMN billing_bank_transaction.account text NOT NULL
COLUMN billing_bank_transaction.amount bigint NOT NULL
COLUMN billing_bank_transaction.bank_name text NOT NULL
COLUMN billing_bank_transaction.bank_reference text NOT NULL
COLUMN billing_bank_transaction.content text NOT NULL
COLUMN billing_bank_transaction.counterparty text NOT NULL
COLUMN billing_bank_transaction.direction text NOT NULL
COLUMN billing_bank_transaction.id uuid NOT NULL
COLUMN billing_bank_transaction.matched_at timestamp with time zone
COLUMN billing_bank_transaction.occurred_at timestamp with time zone NOT NULL
COLUMN billing_bank_transaction.received_at timestamp with time zone NOT NULL
COLUMN billing_bank_transaction.state text NOT NULL
COLUMN billing_bank_transaction.structured_reference text NOT NULL
COLUMN billing_bank_transaction.va text NOT NULL
COLUMN billing_book.code text NOT NULL
COLUMN billing_book.next_number bigint NOT NULL
COLUMN billing_book.year integer NOT NULL
COLUMN billing_charge.account_id uuid NOT NULL
COLUMN billing_charge.id uuid NOT NULL
COLUMN billing_charge.in_scope boolean NOT NULL
COLUMN billing_charge.insured_price bigint NOT NULL
COLUMN billing_charge.kind text NOT NULL
COLUMN billing_charge.on_demand boolean NOT NULL
COLUMN billing_charge.order_id uuid NOT NULL
COLUMN billing_charge.paid_request_id uuid
COLUMN billing_charge.payer text NOT NULL
COLUMN billing_charge.placed_at timestamp with time zone NOT NULL
COLUMN billing_charge.price_missing boolean NOT NULL
COLUMN billing_charge.quantity integer NOT NULL
COLUMN billing_charge.recorded_at timestamp with time zone NOT NULL
COLUMN billing_charge.released_at timestamp with time zone
COLUMN billing_charge.service_code text NOT NULL
COLUMN billing_charge.service_day date NOT NULL
COLUMN billing_charge.service_group text NOT NULL
COLUMN billing_charge.service_name text NOT NULL
COLUMN billing_charge.unit_price bigint NOT NULL
COLUMN billing_charge.voided_at timestamp with time zone
COLUMN billing_counter.code text NOT NULL
COLUMN billing_counter.name text NOT NULL
COLUMN billing_evidence.fingerprint text NOT NULL
COLUMN billing_evidence.notice_id uuid NOT NULL
COLUMN billing_evidence.provider text NOT NULL
COLUMN billing_evidence.transaction_id uuid NOT NULL
COLUMN billing_evidence.txn_id text NOT NULL
COLUMN billing_invoice.archived_sha256 text
COLUMN billing_invoice.coded_at timestamp with time zone
COLUMN billing_invoice.content jsonb NOT NULL
COLUMN billing_invoice.created_at timestamp with time zone NOT NULL
COLUMN billing_invoice.day date NOT NULL
COLUMN billing_invoice.delivered_at timestamp with time zone
COLUMN billing_invoice.format_version text NOT NULL
COLUMN billing_invoice.id uuid NOT NULL
COLUMN billing_invoice.issued_on date
COLUMN billing_invoice.kind smallint NOT NULL
COLUMN billing_invoice.leased_until timestamp with time zone
COLUMN billing_invoice.legal_basis text NOT NULL
COLUMN billing_invoice.number integer
COLUMN billing_invoice.problem text NOT NULL DEFAULT ''::text
COLUMN billing_invoice.provider text NOT NULL
COLUMN billing_invoice.relates_to uuid
COLUMN billing_invoice.relation text
COLUMN billing_invoice.scope text NOT NULL
COLUMN billing_invoice.sent_at timestamp with time zone
COLUMN billing_invoice.signed_at timestamp with time zone
COLUMN billing_invoice.signed_sha256 text
COLUMN billing_invoice.state text NOT NULL
COLUMN billing_invoice.symbol text NOT NULL
COLUMN billing_invoice.tax_code text NOT NULL DEFAULT ''::text
COLUMN billing_invoice.total bigint NOT NULL
COLUMN billing_invoice.tried_at timestamp with time zone
COLUMN billing_invoice.tries integer NOT NULL DEFAULT 0
COLUMN billing_invoice.verified_at timestamp with time zone
COLUMN billing_invoice.view_sha256 text
COLUMN billing_invoice_due.day date NOT NULL
COLUMN billing_invoice_due.episode_id uuid NOT NULL
COLUMN billing_invoice_due.patient_id uuid NOT NULL
COLUMN billing_invoice_due.settled_at timestamp with time zone NOT NULL
COLUMN billing_invoice_episode.amount bigint NOT NULL
COLUMN billing_invoice_episode.episode_id uuid NOT NULL
COLUMN billing_invoice_episode.invoice_id uuid NOT NULL
COLUMN billing_invoice_episode.live boolean NOT NULL DEFAULT true
COLUMN billing_invoice_event.actor text NOT NULL
COLUMN billing_invoice_event.at timestamp with time zone NOT NULL
COLUMN billing_invoice_event.detail jsonb NOT NULL
COLUMN billing_invoice_event.event text NOT NULL
COLUMN billing_invoice_event.id uuid NOT NULL
COLUMN billing_invoice_event.invoice_id uuid NOT NULL
COLUMN billing_invoice_receipt.invoice_id uuid NOT NULL
COLUMN billing_invoice_receipt.live boolean NOT NULL DEFAULT true
COLUMN billing_invoice_receipt.receipt_id uuid NOT NULL
COLUMN billing_invoice_series.kind smallint NOT NULL
COLUMN billing_invoice_series.next_number integer NOT NULL DEFAULT 1
COLUMN billing_invoice_series.symbol text NOT NULL
COLUMN billing_invoice_wish.asked_at timestamp with time zone NOT NULL
COLUMN billing_invoice_wish.asked_by uuid NOT NULL
COLUMN billing_invoice_wish.buyer jsonb NOT NULL
COLUMN billing_invoice_wish.episode_id uuid NOT NULL
COLUMN billing_ledger_entry.account_id uuid
COLUMN billing_ledger_entry.actor_id uuid NOT NULL
COLUMN billing_ledger_entry.at timestamp with time zone NOT NULL
COLUMN billing_ledger_entry.id uuid NOT NULL
COLUMN billing_ledger_entry.kind text NOT NULL
COLUMN billing_ledger_entry.reason text NOT NULL
COLUMN billing_ledger_entry.request_id uuid
COLUMN billing_ledger_entry.reverses_id uuid
COLUMN billing_ledger_entry.shift_id uuid
COLUMN billing_ledger_entry.transaction_id uuid
COLUMN billing_ledger_posting.account_id uuid
COLUMN billing_ledger_posting.amount bigint NOT NULL
COLUMN billing_ledger_posting.book text NOT NULL
COLUMN billing_ledger_posting.entry_id uuid NOT NULL
COLUMN billing_ledger_posting.id bigint NOT NULL IDENTITY
COLUMN billing_match_proposal.decided_at timestamp with time zone
COLUMN billing_match_proposal.decided_by uuid
COLUMN billing_match_proposal.decided_name text NOT NULL
COLUMN billing_match_proposal.id uuid NOT NULL
COLUMN billing_match_proposal.proposed_at timestamp with time zone NOT NULL
COLUMN billing_match_proposal.proposed_by uuid NOT NULL
COLUMN billing_match_proposal.proposed_name text NOT NULL
COLUMN billing_match_proposal.reason text NOT NULL
COLUMN billing_match_proposal.request_id uuid NOT NULL
COLUMN billing_match_proposal.state text NOT NULL
COLUMN billing_match_proposal.transaction_id uuid NOT NULL
COLUMN billing_notice.headers jsonb NOT NULL
COLUMN billing_notice.id uuid NOT NULL
COLUMN billing_notice.ip text NOT NULL
COLUMN billing_notice.provider text NOT NULL
COLUMN billing_notice.raw bytea NOT NULL
COLUMN billing_notice.received_at timestamp with time zone NOT NULL
COLUMN billing_notice.sha256 text NOT NULL
COLUMN billing_notice.verdict text NOT NULL
COLUMN billing_paper.code text NOT NULL
COLUMN billing_paper.created_at timestamp with time zone NOT NULL
COLUMN billing_paper.id uuid NOT NULL
COLUMN billing_paper.kind text NOT NULL
COLUMN billing_paper.sha256 text NOT NULL
COLUMN billing_paper.subject_id uuid NOT NULL
COLUMN billing_price.amount bigint NOT NULL
COLUMN billing_price.id uuid NOT NULL
COLUMN billing_price.kind text NOT NULL
COLUMN billing_price.service_code text NOT NULL
COLUMN billing_price.valid_from date NOT NULL
COLUMN billing_price.valid_to date
COLUMN billing_receipt.account_id uuid NOT NULL
COLUMN billing_receipt.amount bigint NOT NULL
COLUMN billing_receipt.book text NOT NULL
COLUMN billing_receipt.cashier_name text NOT NULL
COLUMN billing_receipt.entry_id uuid NOT NULL
COLUMN billing_receipt.episode_id uuid NOT NULL
COLUMN billing_receipt.excess bigint NOT NULL
COLUMN billing_receipt.id uuid NOT NULL
COLUMN billing_receipt.issued_at timestamp with time zone NOT NULL
COLUMN billing_receipt.kind text NOT NULL
COLUMN billing_receipt.method text NOT NULL
COLUMN billing_receipt.patient_id uuid NOT NULL
COLUMN billing_receipt.reference text NOT NULL
COLUMN billing_receipt.request_id uuid
COLUMN billing_receipt.sequence bigint NOT NULL
COLUMN billing_receipt.title text NOT NULL
COLUMN billing_receipt.year integer NOT NULL
COLUMN billing_reference_key.id integer NOT NULL
COLUMN billing_reference_key.key bytea NOT NULL
COLUMN billing_refund.account_id uuid NOT NULL
COLUMN billing_refund.amount bigint NOT NULL
COLUMN billing_refund.bank_reference text NOT NULL
COLUMN billing_refund.closed_at timestamp with time zone
COLUMN billing_refund.decided_at timestamp with time zone
COLUMN billing_refund.decided_by uuid
COLUMN billing_refund.decided_name text NOT NULL
COLUMN billing_refund.decision_note text NOT NULL
COLUMN billing_refund.entry_id uuid
COLUMN billing_refund.episode_id uuid NOT NULL
COLUMN billing_refund.failure text NOT NULL
COLUMN billing_refund.id uuid NOT NULL
COLUMN billing_refund.method text NOT NULL
COLUMN billing_refund.patient_id uuid NOT NULL
COLUMN billing_refund.reason text NOT NULL
COLUMN billing_refund.receipt_id uuid NOT NULL
COLUMN billing_refund.requested_at timestamp with time zone NOT NULL
COLUMN billing_refund.requested_by uuid NOT NULL
COLUMN billing_refund.requested_name text NOT NULL
COLUMN billing_refund.sent_at timestamp with time zone
COLUMN billing_refund.sent_name text NOT NULL
COLUMN billing_refund.source text NOT NULL
COLUMN billing_refund.state text NOT NULL
COLUMN billing_refund.to_account text NOT NULL
COLUMN billing_refund.to_bank text NOT NULL
COLUMN billing_refund.to_holder text NOT NULL
COLUMN billing_request.account_id uuid NOT NULL
COLUMN billing_request.amount bigint NOT NULL
COLUMN billing_request.closed_at timestamp with time zone
COLUMN billing_request.closed_reason text NOT NULL
COLUMN billing_request.counter text NOT NULL
COLUMN billing_request.created_at timestamp with time zone NOT NULL
COLUMN billing_request.created_by uuid NOT NULL
COLUMN billing_request.excess bigint NOT NULL
COLUMN billing_request.expires_at timestamp with time zone NOT NULL
COLUMN billing_request.id uuid NOT NULL
COLUMN billing_request.kind text NOT NULL
COLUMN billing_request.late boolean NOT NULL
COLUMN billing_request.masked_name text NOT NULL
COLUMN billing_request.payload text NOT NULL
COLUMN billing_request.received bigint NOT NULL
COLUMN billing_request.reference text NOT NULL
COLUMN billing_request.state text NOT NULL
COLUMN billing_request.title text NOT NULL
COLUMN billing_request_charge.charge_id uuid NOT NULL
COLUMN billing_request_charge.request_id uuid NOT NULL
COLUMN billing_screen.asked_at timestamp with time zone NOT NULL
COLUMN billing_screen.code text NOT NULL
COLUMN billing_screen.counter text NOT NULL
COLUMN billing_screen.id uuid NOT NULL
COLUMN billing_screen.paired_at timestamp with time zone
COLUMN billing_screen.paired_by uuid
COLUMN billing_screen.revoked_at timestamp with time zone
COLUMN billing_screen.token_hash bytea NOT NULL
COLUMN billing_shift.cashier_id uuid NOT NULL
COLUMN billing_shift.cashier_name text NOT NULL
COLUMN billing_shift.closed_at timestamp with time zone
COLUMN billing_shift.counted bigint
COLUMN billing_shift.counter text NOT NULL
COLUMN billing_shift.difference bigint
COLUMN billing_shift.expected bigint
COLUMN billing_shift.id uuid NOT NULL
COLUMN billing_shift.opened_at timestamp with time zone NOT NULL
COLUMN billing_shift.opening_float bigint NOT NULL
COLUMN billing_shift.reason text NOT NULL
COLUMN emr_bed.active boolean NOT NULL
COLUMN emr_bed.code text NOT NULL
COLUMN emr_bed.department_code text NOT NULL
COLUMN emr_bed.number integer NOT NULL
COLUMN emr_bed.room_code text NOT NULL
COLUMN emr_bed_use.bed_code text NOT NULL
COLUMN emr_bed_use.bed_number integer NOT NULL
COLUMN emr_bed_use.during tstzrange NOT NULL
COLUMN emr_bed_use.id uuid NOT NULL
COLUMN emr_bed_use.placed_by uuid NOT NULL
COLUMN emr_bed_use.stay_id uuid NOT NULL
COLUMN emr_credit.episode_id uuid NOT NULL
COLUMN emr_credit.granted_at timestamp with time zone NOT NULL
COLUMN emr_credit.granted_by uuid NOT NULL
COLUMN emr_credit.granted_name text NOT NULL
COLUMN emr_credit.reason text NOT NULL
COLUMN emr_department.active boolean NOT NULL
COLUMN emr_department.code text NOT NULL
COLUMN emr_department.insurance_code text NOT NULL
COLUMN emr_department.kind text NOT NULL
COLUMN emr_department.name text NOT NULL
COLUMN emr_drug.active boolean NOT NULL
COLUMN emr_drug.code text COLLATE "C" NOT NULL
COLUMN emr_drug.control text NOT NULL
COLUMN emr_drug.form text NOT NULL
COLUMN emr_drug.inn text NOT NULL
COLUMN emr_drug.key text NOT NULL
COLUMN emr_drug.name text NOT NULL
COLUMN emr_drug.route text NOT NULL
COLUMN emr_drug.strength text NOT NULL
COLUMN emr_drug.unit text NOT NULL
COLUMN emr_duty.day date NOT NULL
COLUMN emr_duty.department_code text NOT NULL
COLUMN emr_duty.ends_at timestamp with time zone NOT NULL
COLUMN emr_duty.id uuid NOT NULL
COLUMN emr_duty.kind text NOT NULL
COLUMN emr_duty.staff_id uuid NOT NULL
COLUMN emr_duty.starts_at timestamp with time zone NOT NULL
COLUMN emr_emergency_access.department_code text NOT NULL
COLUMN emr_emergency_access.id uuid NOT NULL
COLUMN emr_emergency_access.justified boolean
COLUMN emr_emergency_access.opened_at timestamp with time zone NOT NULL
COLUMN emr_emergency_access.patient_id uuid NOT NULL
COLUMN emr_emergency_access.reason text NOT NULL
COLUMN emr_emergency_access.review_note text NOT NULL
COLUMN emr_emergency_access.reviewed_at timestamp with time zone
COLUMN emr_emergency_access.reviewed_by uuid
COLUMN emr_emergency_access.reviewed_name text NOT NULL
COLUMN emr_emergency_access.staff_id uuid NOT NULL
COLUMN emr_emergency_access.staff_name text NOT NULL
COLUMN emr_emergency_access.until timestamp with time zone NOT NULL
COLUMN emr_episode.closed_at timestamp with time zone
COLUMN emr_episode.code text NOT NULL
COLUMN emr_episode.id uuid NOT NULL
COLUMN emr_episode.opened_at timestamp with time zone NOT NULL
COLUMN emr_episode.patient_id uuid NOT NULL
COLUMN emr_episode.state text NOT NULL
COLUMN emr_episode.stay_open boolean NOT NULL
COLUMN emr_ethnic_group.code text COLLATE "C" NOT NULL
COLUMN emr_ethnic_group.name text NOT NULL
COLUMN emr_icd10.code text COLLATE "C" NOT NULL
COLUMN emr_icd10.code_key text COLLATE "C" NOT NULL
COLUMN emr_icd10.key text NOT NULL
COLUMN emr_icd10.marker text NOT NULL
COLUMN emr_icd10.name text NOT NULL
COLUMN emr_icd10.name_en text NOT NULL
COLUMN emr_icd10.needs_detail boolean NOT NULL
COLUMN emr_icd10.not_main boolean NOT NULL
COLUMN emr_icd10.sex text NOT NULL
COLUMN emr_icd10_pair.asterisk_code text COLLATE "C" NOT NULL
COLUMN emr_icd10_pair.dagger_code text COLLATE "C" NOT NULL
COLUMN emr_icd10_pair.main_code text COLLATE "C" NOT NULL
COLUMN emr_order.approved_at timestamp with time zone
COLUMN emr_order.approved_by uuid
COLUMN emr_order.approved_name text
COLUMN emr_order.episode_id uuid NOT NULL
COLUMN emr_order.fingerprint bytea NOT NULL
COLUMN emr_order.id uuid NOT NULL
COLUMN emr_order.in_scope boolean NOT NULL
COLUMN emr_order.kind text NOT NULL
COLUMN emr_order.note text NOT NULL
COLUMN emr_order.number text NOT NULL
COLUMN emr_order.on_demand boolean NOT NULL
COLUMN emr_order.ordered_by uuid NOT NULL
COLUMN emr_order.ordered_name text NOT NULL
COLUMN emr_order.patient_id uuid NOT NULL
COLUMN emr_order.payer text NOT NULL
COLUMN emr_order.performed_at timestamp with time zone
COLUMN emr_order.performed_by uuid
COLUMN emr_order.placed_at timestamp with time zone NOT NULL
COLUMN emr_order.priority text NOT NULL
COLUMN emr_order.quantity integer NOT NULL
COLUMN emr_order.released_at timestamp with time zone
COLUMN emr_order.released_by text
COLUMN emr_order.reported_at timestamp with time zone
COLUMN emr_order.reported_by uuid
COLUMN emr_order.room_code text
COLUMN emr_order.service_code text NOT NULL
COLUMN emr_order.service_name text NOT NULL
COLUMN emr_order.setting text NOT NULL
COLUMN emr_order.state text NOT NULL
COLUMN emr_order.visit_id uuid NOT NULL
COLUMN emr_order.void_reason text NOT NULL
COLUMN emr_order.voided_at timestamp with time zone
COLUMN emr_order.voided_by uuid
COLUMN emr_patient.address text NOT NULL
COLUMN emr_patient.allergies text NOT NULL
COLUMN emr_patient.birth_date date NOT NULL
COLUMN emr_patient.birth_precision text NOT NULL
COLUMN emr_patient.citizen_id text COLLATE "C"
COLUMN emr_patient.code text COLLATE "C" NOT NULL
COLUMN emr_patient.ethnic_code text
COLUMN emr_patient.fingerprint bytea NOT NULL
COLUMN emr_patient.given_key text COLLATE "C" NOT NULL
COLUMN emr_patient.id uuid NOT NULL
COLUMN emr_patient.insurance_no text COLLATE "C"
COLUMN emr_patient.name text NOT NULL
COLUMN emr_patient.name_key text COLLATE "C" NOT NULL
COLUMN emr_patient.name_pairs text[] NOT NULL
COLUMN emr_patient.nationality text NOT NULL
COLUMN emr_patient.occupation text NOT NULL
COLUMN emr_patient.passport_no text COLLATE "C"
COLUMN emr_patient.phone text COLLATE "C"
COLUMN emr_patient.province_code text
COLUMN emr_patient.registered_at timestamp with time zone NOT NULL
COLUMN emr_patient.registered_by uuid NOT NULL
COLUMN emr_patient.revision integer NOT NULL
COLUMN emr_patient.sex text NOT NULL
COLUMN emr_patient.ward_code text
COLUMN emr_patient_identifier.active boolean NOT NULL
COLUMN emr_patient_identifier.ended_at timestamp with time zone
COLUMN emr_patient_identifier.ended_reason text NOT NULL
COLUMN emr_patient_identifier.kind text NOT NULL
COLUMN emr_patient_identifier.patient_id uuid NOT NULL
COLUMN emr_patient_identifier.recorded_at timestamp with time zone NOT NULL
COLUMN emr_patient_identifier.recorded_by uuid NOT NULL
COLUMN emr_patient_identifier.value text COLLATE "C" NOT NULL
COLUMN emr_patient_version.particulars jsonb NOT NULL
COLUMN emr_patient_version.patient_id uuid NOT NULL
COLUMN emr_patient_version.reason text NOT NULL
COLUMN emr_patient_version.replaced_at timestamp with time zone NOT NULL
COLUMN emr_patient_version.replaced_by uuid NOT NULL
COLUMN emr_patient_version.revision integer NOT NULL
COLUMN emr_prescription.code text NOT NULL
COLUMN emr_prescription.kind text NOT NULL
COLUMN emr_prescription.patient_id uuid NOT NULL
COLUMN emr_prescription.prescribed_at timestamp with time zone
COLUMN emr_prescription.replaces_id uuid
COLUMN emr_prescription.sheet_id uuid NOT NULL
COLUMN emr_prescription.valid_until date
COLUMN emr_prescription.visit_id uuid NOT NULL
COLUMN emr_prescription_line.days integer NOT NULL
COLUMN emr_prescription_line.dose text NOT NULL
COLUMN emr_prescription_line.drug_code text NOT NULL
COLUMN emr_prescription_line.moment text NOT NULL
COLUMN emr_prescription_line.name text NOT NULL
COLUMN emr_prescription_line.position integer NOT NULL
COLUMN emr_prescription_line.quantity numeric(9,2) NOT NULL
COLUMN emr_prescription_line.route text NOT NULL
COLUMN emr_prescription_line.sheet_id uuid NOT NULL
COLUMN emr_prescription_line.strength text NOT NULL
COLUMN emr_prescription_line.times_per_day integer NOT NULL
COLUMN emr_prescription_line.unit text NOT NULL
COLUMN emr_province.code text COLLATE "C" NOT NULL
COLUMN emr_province.name text NOT NULL
COLUMN emr_queue_day.day date NOT NULL
COLUMN emr_queue_day.last_number integer NOT NULL
COLUMN emr_queue_day.room_code text NOT NULL
COLUMN emr_result.abnormal text NOT NULL
COLUMN emr_result.id uuid NOT NULL
COLUMN emr_result.measured_at timestamp with time zone
COLUMN emr_result.order_id uuid NOT NULL
COLUMN emr_result.reason text NOT NULL
COLUMN emr_result.reported_at timestamp with time zone NOT NULL
COLUMN emr_result.reported_by uuid NOT NULL
COLUMN emr_result.reported_name text NOT NULL
COLUMN emr_result.text text NOT NULL
COLUMN emr_result.unit text NOT NULL
COLUMN emr_result.value text
COLUMN emr_result.version integer NOT NULL
COLUMN emr_room.active boolean NOT NULL
COLUMN emr_room.area text NOT NULL
COLUMN emr_room.code text NOT NULL
COLUMN emr_room.department_code text NOT NULL
COLUMN emr_room.kind text NOT NULL
COLUMN emr_room.name text NOT NULL
COLUMN emr_room.place text NOT NULL
COLUMN emr_scan.converted_at timestamp with time zone NOT NULL
COLUMN emr_scan.converted_by uuid NOT NULL
COLUMN emr_scan.converted_name text NOT NULL
COLUMN emr_scan.document_id uuid NOT NULL
COLUMN emr_scan.id uuid NOT NULL
COLUMN emr_scan.media_type text NOT NULL
COLUMN emr_scan.pages integer NOT NULL
COLUMN emr_scan.paper_fate text NOT NULL
COLUMN emr_scan.patient_id uuid NOT NULL
COLUMN emr_scan.source_sha256 text NOT NULL
COLUMN emr_scan.title text NOT NULL
COLUMN emr_service.claim_group text NOT NULL
COLUMN emr_service.code text COLLATE "C" NOT NULL
COLUMN emr_service.high text
COLUMN emr_service.in_scope boolean NOT NULL
COLUMN emr_service.key text NOT NULL
COLUMN emr_service.kind text NOT NULL
COLUMN emr_service.low text
COLUMN emr_service.name text NOT NULL
COLUMN emr_service.result_unit text NOT NULL
COLUMN emr_service.room_code text
COLUMN emr_service.unit text NOT NULL
COLUMN emr_service.valid_from date NOT NULL
COLUMN emr_service.valid_to date
COLUMN emr_sheet.author_signed_at timestamp with time zone
COLUMN emr_sheet.cancelled_at timestamp with time zone
COLUMN emr_sheet.cancelled_by uuid
COLUMN emr_sheet.code text NOT NULL
COLUMN emr_sheet.completed_at timestamp with time zone
COLUMN emr_sheet.completed_by uuid
COLUMN emr_sheet.completed_name text NOT NULL
COLUMN emr_sheet.data jsonb NOT NULL
COLUMN emr_sheet.document_id uuid
COLUMN emr_sheet.episode_id uuid NOT NULL
COLUMN emr_sheet.event_at timestamp with time zone
COLUMN emr_sheet.form_code text NOT NULL
COLUMN emr_sheet.form_valid_from date NOT NULL
COLUMN emr_sheet.id uuid NOT NULL
COLUMN emr_sheet.opened_at timestamp with time zone NOT NULL
COLUMN emr_sheet.opened_by uuid NOT NULL
COLUMN emr_sheet.opened_name text NOT NULL
COLUMN emr_sheet.pages integer NOT NULL
COLUMN emr_sheet.patient_id uuid NOT NULL
COLUMN emr_sheet.reason text NOT NULL
COLUMN emr_sheet.refused_reason text NOT NULL
COLUMN emr_sheet.revision integer NOT NULL
COLUMN emr_sheet.saved_at timestamp with time zone NOT NULL
COLUMN emr_sheet.saved_by uuid NOT NULL
COLUMN emr_sheet.sha256 text
COLUMN emr_sheet.signed_at timestamp with time zone
COLUMN emr_sheet.signed_sha256 text
COLUMN emr_sheet.stage text NOT NULL
COLUMN emr_sheet.state text NOT NULL
COLUMN emr_sheet.supersedes uuid
COLUMN emr_sheet.version integer NOT NULL
COLUMN emr_sheet.visit_id uuid NOT NULL
COLUMN emr_sheet_diagnosis.code text NOT NULL
COLUMN emr_sheet_diagnosis.name text NOT NULL
COLUMN emr_sheet_diagnosis.position integer NOT NULL
COLUMN emr_sheet_diagnosis.role text NOT NULL
COLUMN emr_sheet_diagnosis.sheet_id uuid NOT NULL
COLUMN emr_sheet_diagnosis.visit_id uuid NOT NULL
COLUMN emr_sheet_order.order_id uuid NOT NULL
COLUMN emr_sheet_order.sheet_id uuid NOT NULL
COLUMN emr_stay.admitted_at timestamp with time zone NOT NULL
COLUMN emr_stay.admitted_by uuid NOT NULL
COLUMN emr_stay.department_code text NOT NULL
COLUMN emr_stay.diagnosis_code text NOT NULL
COLUMN emr_stay.discharged_at timestamp with time zone
COLUMN emr_stay.discharged_by uuid
COLUMN emr_stay.episode_id uuid NOT NULL
COLUMN emr_stay.fingerprint bytea NOT NULL
COLUMN emr_stay.id uuid NOT NULL
COLUMN emr_stay.number text NOT NULL
COLUMN emr_stay.outcome text
COLUMN emr_stay.patient_id uuid NOT NULL
COLUMN emr_stay.reason text NOT NULL
COLUMN emr_stay.state text NOT NULL
COLUMN emr_stay.visit_id uuid NOT NULL
COLUMN emr_ticket.called_at timestamp with time zone
COLUMN emr_ticket.called_by uuid
COLUMN emr_ticket.calls integer NOT NULL
COLUMN emr_ticket.day date NOT NULL
COLUMN emr_ticket.id uuid NOT NULL
COLUMN emr_ticket.issued_at timestamp with time zone NOT NULL
COLUMN emr_ticket.number integer NOT NULL
COLUMN emr_ticket.rank integer NOT NULL
COLUMN emr_ticket.ready boolean NOT NULL
COLUMN emr_ticket.room_code text NOT NULL
COLUMN emr_ticket.state text NOT NULL
COLUMN emr_ticket.visit_id uuid NOT NULL
COLUMN emr_visit.cancel_reason text NOT NULL
COLUMN emr_visit.department_code text NOT NULL
COLUMN emr_visit.doctor_id uuid
COLUMN emr_visit.doctor_name text
COLUMN emr_visit.ended_at timestamp with time zone
COLUMN emr_visit.episode_id uuid NOT NULL
COLUMN emr_visit.fingerprint bytea NOT NULL
COLUMN emr_visit.guardian jsonb
COLUMN emr_visit.id uuid NOT NULL
COLUMN emr_visit.identified_by text NOT NULL
COLUMN emr_visit.identified_reply text NOT NULL
COLUMN emr_visit.identified_staff uuid NOT NULL
COLUMN emr_visit.insurance jsonb
COLUMN emr_visit.number text NOT NULL
COLUMN emr_visit.opened_at timestamp with time zone NOT NULL
COLUMN emr_visit.opened_by uuid NOT NULL
COLUMN emr_visit.outcome text
COLUMN emr_visit.patient_id uuid NOT NULL
COLUMN emr_visit.payer text NOT NULL
COLUMN emr_visit.reason text NOT NULL
COLUMN emr_visit.room_code text NOT NULL
COLUMN emr_visit.service_code text NOT NULL
COLUMN emr_visit.setting text NOT NULL
COLUMN emr_visit.started_at timestamp with time zone
COLUMN emr_visit.state text NOT NULL
COLUMN emr_vitals.diastolic integer
COLUMN emr_vitals.height numeric(5,1)
COLUMN emr_vitals.id uuid NOT NULL
COLUMN emr_vitals.note text NOT NULL
COLUMN emr_vitals.patient_id uuid NOT NULL
COLUMN emr_vitals.pulse integer
COLUMN emr_vitals.recorded_at timestamp with time zone NOT NULL
COLUMN emr_vitals.respiration integer
COLUMN emr_vitals.spo2 integer
COLUMN emr_vitals.staff_id uuid NOT NULL
COLUMN emr_vitals.staff_name text NOT NULL
COLUMN emr_vitals.systolic integer
COLUMN emr_vitals.taken_at timestamp with time zone NOT NULL
COLUMN emr_vitals.temperature numeric(4,1)
COLUMN emr_vitals.visit_id uuid NOT NULL
COLUMN emr_vitals.void_reason text NOT NULL
COLUMN emr_vitals.voided_at timestamp with time zone
COLUMN emr_vitals.voided_by uuid
COLUMN emr_vitals.weight numeric(5,1)
COLUMN emr_ward.code text COLLATE "C" NOT NULL
COLUMN emr_ward.key text COLLATE "C" NOT NULL
COLUMN emr_ward.name text NOT NULL
COLUMN emr_ward.province_code text COLLATE "C" NOT NULL
COLUMN insurance_parameter.key text NOT NULL
COLUMN insurance_parameter.source text NOT NULL
COLUMN insurance_parameter.valid_from date NOT NULL
COLUMN insurance_parameter.value numeric(16,4) NOT NULL
COLUMN kernel_audit.action text NOT NULL
COLUMN kernel_audit.actor_id uuid NOT NULL
COLUMN kernel_audit.actor_name text NOT NULL
COLUMN kernel_audit.actor_roles text[] NOT NULL
COLUMN kernel_audit.at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
COLUMN kernel_audit.department text NOT NULL
COLUMN kernel_audit.detail jsonb NOT NULL
COLUMN kernel_audit.id bigint NOT NULL IDENTITY
COLUMN kernel_audit.ip text NOT NULL
COLUMN kernel_audit.patient_id uuid
COLUMN kernel_audit.reason text
COLUMN kernel_audit.session_id uuid
COLUMN kernel_audit.subject text NOT NULL
COLUMN kernel_audit.xid xid8 NOT NULL DEFAULT pg_current_xact_id()
COLUMN kernel_audit_block.after_id bigint NOT NULL
COLUMN kernel_audit_block.epoch integer NOT NULL
COLUMN kernel_audit_block.from_xid xid8 NOT NULL
COLUMN kernel_audit_block.hash bytea NOT NULL
COLUMN kernel_audit_block.last_id bigint NOT NULL
COLUMN kernel_audit_block.no bigint NOT NULL
COLUMN kernel_audit_block.previous bytea NOT NULL
COLUMN kernel_audit_block.root bytea NOT NULL
COLUMN kernel_audit_block.row_count bigint NOT NULL
COLUMN kernel_audit_block.sealed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
COLUMN kernel_audit_block.to_xid xid8 NOT NULL
COLUMN kernel_audit_checkpoint.block_hash bytea NOT NULL
COLUMN kernel_audit_checkpoint.block_no bigint NOT NULL
COLUMN kernel_audit_checkpoint.day date NOT NULL
COLUMN kernel_audit_checkpoint.row_total bigint NOT NULL
COLUMN kernel_audit_checkpoint.signature bytea NOT NULL
COLUMN kernel_audit_checkpoint.signed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
COLUMN kernel_audit_checkpoint.signer text NOT NULL
COLUMN kernel_job.attempts integer NOT NULL DEFAULT 0
COLUMN kernel_job.created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
COLUMN kernel_job.finished_at timestamp with time zone
COLUMN kernel_job.id bigint NOT NULL IDENTITY
COLUMN kernel_job.key text
COLUMN kernel_job.kind text NOT NULL
COLUMN kernel_job.lane text
COLUMN kernel_job.last_error text
COLUMN kernel_job.lease_until timestamp with time zone
COLUMN kernel_job.payload jsonb NOT NULL
COLUMN kernel_job.run_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
COLUMN kernel_job.state text NOT NULL DEFAULT 'ready'::text
COLUMN kernel_periodic.failures integer NOT NULL DEFAULT 0
COLUMN kernel_periodic.kind text NOT NULL
COLUMN kernel_periodic.last_error text
COLUMN kernel_periodic.last_finished_at timestamp with time zone
COLUMN kernel_periodic.last_started_at timestamp with time zone
COLUMN kernel_periodic.lease_until timestamp with time zone
COLUMN kernel_periodic.next_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
COLUMN kernel_staff_account.citizen_id text
COLUMN kernel_staff_account.created_at timestamp with time zone NOT NULL
COLUMN kernel_staff_account.department text NOT NULL
COLUMN kernel_staff_account.disabled_at timestamp with time zone
COLUMN kernel_staff_account.failed_tries integer NOT NULL
COLUMN kernel_staff_account.id uuid NOT NULL
COLUMN kernel_staff_account.locked_until timestamp with time zone
COLUMN kernel_staff_account.name text NOT NULL
COLUMN kernel_staff_account.password_hash text NOT NULL
COLUMN kernel_staff_account.practice_license text
COLUMN kernel_staff_account.roles text[] NOT NULL
COLUMN kernel_staff_account.title text NOT NULL
COLUMN kernel_staff_account.username text NOT NULL
COLUMN kernel_staff_session.account_id uuid NOT NULL
COLUMN kernel_staff_session.created_at timestamp with time zone NOT NULL
COLUMN kernel_staff_session.ended_at timestamp with time zone
COLUMN kernel_staff_session.id uuid NOT NULL
COLUMN kernel_staff_session.ip inet
COLUMN kernel_staff_session.last_seen_at timestamp with time zone NOT NULL
COLUMN kernel_staff_session.token_hash bytea NOT NULL
COLUMN kiosk_arrival.booking_id uuid
COLUMN kiosk_arrival.card_number text
COLUMN kiosk_arrival.device_id uuid NOT NULL
COLUMN kiosk_arrival.done_at timestamp with time zone
COLUMN kiosk_arrival.id uuid NOT NULL
COLUMN kiosk_arrival.identified_by text NOT NULL
COLUMN kiosk_arrival.patient_id uuid NOT NULL
COLUMN kiosk_arrival.scanned_at timestamp with time zone NOT NULL
COLUMN kiosk_arrival.visit_id uuid
COLUMN kiosk_device.added_at timestamp with time zone NOT NULL
COLUMN kiosk_device.added_by uuid NOT NULL
COLUMN kiosk_device.id uuid NOT NULL
COLUMN kiosk_device.last_seen_at timestamp with time zone
COLUMN kiosk_device.name text NOT NULL
COLUMN kiosk_device.paired_at timestamp with time zone
COLUMN kiosk_device.pairing_expires_at timestamp with time zone
COLUMN kiosk_device.pairing_hash bytea
COLUMN kiosk_device.revoked_at timestamp with time zone
COLUMN kiosk_device.scope text NOT NULL
COLUMN kiosk_device.token_hash bytea
COLUMN portal_account.created_at timestamp with time zone NOT NULL
COLUMN portal_account.id uuid NOT NULL
COLUMN portal_account.patient_id uuid NOT NULL
COLUMN portal_booking.account_id uuid NOT NULL
COLUMN portal_booking.booked_at timestamp with time zone NOT NULL
COLUMN portal_booking.cancelled_at timestamp with time zone
COLUMN portal_booking.code text NOT NULL
COLUMN portal_booking.day date NOT NULL
COLUMN portal_booking.department text NOT NULL
COLUMN portal_booking.id uuid NOT NULL
COLUMN portal_booking.moved_from uuid
COLUMN portal_booking.patient_id uuid NOT NULL
COLUMN portal_booking.reason text NOT NULL
COLUMN portal_booking.slot_id uuid NOT NULL
COLUMN portal_booking.state text NOT NULL
COLUMN portal_booking.visit_id uuid
COLUMN portal_code_request.asked_at timestamp with time zone NOT NULL
COLUMN portal_code_request.birth_tries integer NOT NULL DEFAULT 0
COLUMN portal_code_request.code_hash bytea
COLUMN portal_code_request.expires_at timestamp with time zone NOT NULL
COLUMN portal_code_request.id uuid NOT NULL
COLUMN portal_code_request.ip inet
COLUMN portal_code_request.phone text NOT NULL
COLUMN portal_code_request.sent_at timestamp with time zone
COLUMN portal_code_request.step_hash bytea
COLUMN portal_code_request.tries integer NOT NULL DEFAULT 0
COLUMN portal_code_request.used_at timestamp with time zone
COLUMN portal_consent.account_id uuid NOT NULL
COLUMN portal_consent.at timestamp with time zone NOT NULL
COLUMN portal_consent.channel text NOT NULL
COLUMN portal_consent.given boolean NOT NULL
COLUMN portal_consent.id uuid NOT NULL
COLUMN portal_consent.ip inet
COLUMN portal_consent.patient_id uuid NOT NULL
COLUMN portal_consent.purpose text NOT NULL
COLUMN portal_consent.text_sha256 text NOT NULL
COLUMN portal_device.birth_tries integer NOT NULL DEFAULT 0
COLUMN portal_device.expires_at timestamp with time zone NOT NULL
COLUMN portal_device.id uuid NOT NULL
COLUMN portal_device.label text NOT NULL
COLUMN portal_device.last_used_at timestamp with time zone NOT NULL
COLUMN portal_device.phone text NOT NULL
COLUMN portal_device.remembered_at timestamp with time zone NOT NULL
COLUMN portal_device.revoked_at timestamp with time zone
COLUMN portal_device.token_hash bytea NOT NULL
COLUMN portal_schedule.closed_at timestamp with time zone
COLUMN portal_schedule.department text NOT NULL
COLUMN portal_schedule.department_name text NOT NULL
COLUMN portal_schedule.ends_at timestamp with time zone NOT NULL
COLUMN portal_schedule.id uuid NOT NULL
COLUMN portal_schedule.opened_at timestamp with time zone NOT NULL
COLUMN portal_schedule.practitioner_id uuid NOT NULL
COLUMN portal_schedule.practitioner_name text NOT NULL
COLUMN portal_schedule.room text NOT NULL
COLUMN portal_schedule.room_name text NOT NULL
COLUMN portal_schedule.service_code text NOT NULL
COLUMN portal_schedule.slot_minutes integer NOT NULL
COLUMN portal_schedule.starts_at timestamp with time zone NOT NULL
COLUMN portal_session.account_id uuid NOT NULL
COLUMN portal_session.device_id uuid
COLUMN portal_session.ended_at timestamp with time zone
COLUMN portal_session.id uuid NOT NULL
COLUMN portal_session.ip inet
COLUMN portal_session.last_seen_at timestamp with time zone NOT NULL
COLUMN portal_session.phone text NOT NULL
COLUMN portal_session.started_at timestamp with time zone NOT NULL
COLUMN portal_session.token_hash bytea NOT NULL
COLUMN portal_slot.capacity integer NOT NULL
COLUMN portal_slot.closed boolean NOT NULL DEFAULT false
COLUMN portal_slot.day date NOT NULL
COLUMN portal_slot.department text NOT NULL
COLUMN portal_slot.ends_at timestamp with time zone NOT NULL
COLUMN portal_slot.id uuid NOT NULL
COLUMN portal_slot.schedule_id uuid NOT NULL
COLUMN portal_slot.starts_at timestamp with time zone NOT NULL
COLUMN portal_slot.taken integer NOT NULL DEFAULT 0
COLUMN portal_telehealth_request.account_id uuid NOT NULL
COLUMN portal_telehealth_request.answer text NOT NULL DEFAULT ''::text
COLUMN portal_telehealth_request.answered_at timestamp with time zone
COLUMN portal_telehealth_request.answered_by uuid
COLUMN portal_telehealth_request.answered_name text
COLUMN portal_telehealth_request.asked_at timestamp with time zone NOT NULL
COLUMN portal_telehealth_request.device text NOT NULL
COLUMN portal_telehealth_request.id uuid NOT NULL
COLUMN portal_telehealth_request.identified_how text NOT NULL
COLUMN portal_telehealth_request.patient_id uuid NOT NULL
COLUMN portal_telehealth_request.phone text NOT NULL
COLUMN portal_telehealth_request.price bigint NOT NULL
COLUMN portal_telehealth_request.price_accepted_at timestamp with time zone NOT NULL
COLUMN portal_telehealth_request.reason text NOT NULL
COLUMN portal_telehealth_request.remote_mode text NOT NULL
COLUMN portal_telehealth_request.representative text NOT NULL
COLUMN portal_telehealth_request.service_code text NOT NULL
COLUMN portal_telehealth_request.state text NOT NULL
COLUMN signing_archived.document_id uuid NOT NULL
COLUMN signing_archived.holds_until timestamp with time zone NOT NULL
COLUMN signing_archived.level text NOT NULL
COLUMN signing_archived.made_at timestamp with time zone NOT NULL
COLUMN signing_archived.sha256 text NOT NULL
COLUMN signing_archived.source_sha256 text NOT NULL
COLUMN signing_certificate.certificate bytea NOT NULL
COLUMN signing_certificate.chain bytea[] NOT NULL
COLUMN signing_certificate.checked_at timestamp with time zone
COLUMN signing_certificate.ended_at timestamp with time zone
COLUMN signing_certificate.fingerprint text NOT NULL
COLUMN signing_certificate.id uuid NOT NULL
COLUMN signing_certificate.issuer text NOT NULL
COLUMN signing_certificate.key_kind text NOT NULL
COLUMN signing_certificate.key_name text NOT NULL
COLUMN signing_certificate.name text NOT NULL
COLUMN signing_certificate.not_after timestamp with time zone NOT NULL
COLUMN signing_certificate.not_before timestamp with time zone NOT NULL
COLUMN signing_certificate.owner_kind text NOT NULL
COLUMN signing_certificate.registered_at timestamp with time zone NOT NULL
COLUMN signing_certificate.registered_by uuid NOT NULL
COLUMN signing_certificate.revoked_at timestamp with time zone
COLUMN signing_certificate.serial text NOT NULL
COLUMN signing_certificate.staff_id uuid
COLUMN signing_certificate.standing text
COLUMN signing_certificate.state text NOT NULL
COLUMN signing_certificate.uid text NOT NULL
COLUMN signing_certificate_notice.admin_seen_at timestamp with time zone
COLUMN signing_certificate_notice.certificate_id uuid NOT NULL
COLUMN signing_certificate_notice.id uuid NOT NULL
COLUMN signing_certificate_notice.kind text NOT NULL
COLUMN signing_certificate_notice.made_at timestamp with time zone NOT NULL
COLUMN signing_certificate_notice.owner_seen_at timestamp with time zone
COLUMN signing_delegation.basis text NOT NULL
COLUMN signing_delegation.capacity text NOT NULL
COLUMN signing_delegation.department text
COLUMN signing_delegation.ended_at timestamp with time zone
COLUMN signing_delegation.ended_by uuid
COLUMN signing_delegation.ends_at timestamp with time zone NOT NULL
COLUMN signing_delegation.given_at timestamp with time zone NOT NULL
COLUMN signing_delegation.giver_id uuid NOT NULL
COLUMN signing_delegation.giver_name text NOT NULL
COLUMN signing_delegation.id uuid NOT NULL
COLUMN signing_delegation.role text NOT NULL
COLUMN signing_delegation.starts_at timestamp with time zone NOT NULL
COLUMN signing_delegation.taker_id uuid NOT NULL
COLUMN signing_document.author_id uuid NOT NULL
COLUMN signing_document.base_sha256 text NOT NULL
COLUMN signing_document.code text NOT NULL
COLUMN signing_document.completed_at timestamp with time zone
COLUMN signing_document.created_at timestamp with time zone NOT NULL
COLUMN signing_document.head_sha256 text NOT NULL
COLUMN signing_document.id uuid NOT NULL
COLUMN signing_document.kind text NOT NULL
COLUMN signing_document.layout jsonb
COLUMN signing_document.lease uuid
COLUMN signing_document.lease_until timestamp with time zone
COLUMN signing_document.pages integer NOT NULL
COLUMN signing_document.patient_born date
COLUMN signing_document.patient_id uuid
COLUMN signing_document.patient_name text NOT NULL
COLUMN signing_document.patient_number text NOT NULL DEFAULT ''::text
COLUMN signing_document.state text NOT NULL
COLUMN signing_document.subject text NOT NULL
COLUMN signing_document.supersedes uuid
COLUMN signing_document.title text NOT NULL
COLUMN signing_enrolment.algorithm text NOT NULL
COLUMN signing_enrolment.certificate_id uuid
COLUMN signing_enrolment.ended_at timestamp with time zone
COLUMN signing_enrolment.ended_by uuid
COLUMN signing_enrolment.id uuid NOT NULL
COLUMN signing_enrolment.key_kind text NOT NULL
COLUMN signing_enrolment.key_name text NOT NULL
COLUMN signing_enrolment.owner_kind text NOT NULL
COLUMN signing_enrolment.public_key bytea NOT NULL
COLUMN signing_enrolment.reason text NOT NULL
COLUMN signing_enrolment.request bytea NOT NULL
COLUMN signing_enrolment.requested_at timestamp with time zone NOT NULL
COLUMN signing_enrolment.requested_by uuid NOT NULL
COLUMN signing_enrolment.staff_id uuid
COLUMN signing_enrolment.state text NOT NULL
COLUMN signing_enrolment.subject text NOT NULL
COLUMN signing_handover.by_id uuid NOT NULL
COLUMN signing_handover.from_department text
COLUMN signing_handover.from_id uuid
COLUMN signing_handover.from_role text
COLUMN signing_handover.handed_at timestamp with time zone NOT NULL
COLUMN signing_handover.id uuid NOT NULL
COLUMN signing_handover.reason text NOT NULL
COLUMN signing_handover.slot_id uuid NOT NULL
COLUMN signing_handover.to_id uuid NOT NULL
COLUMN signing_identity_check.answered_at timestamp with time zone NOT NULL
COLUMN signing_identity_check.document_id uuid NOT NULL
COLUMN signing_identity_check.id uuid NOT NULL
COLUMN signing_identity_check.reply_code text NOT NULL
COLUMN signing_identity_check.sha256 text NOT NULL
COLUMN signing_identity_check.sitting_id uuid NOT NULL
COLUMN signing_identity_check.transaction_code text NOT NULL
COLUMN signing_identity_check.verified boolean NOT NULL
COLUMN signing_phone_code.asked_at timestamp with time zone NOT NULL
COLUMN signing_phone_code.code_hash bytea
COLUMN signing_phone_code.expires_at timestamp with time zone NOT NULL
COLUMN signing_phone_code.id uuid NOT NULL
COLUMN signing_phone_code.phone text NOT NULL
COLUMN signing_phone_code.purpose text NOT NULL
COLUMN signing_phone_code.sent_at timestamp with time zone
COLUMN signing_phone_code.sitting_id uuid NOT NULL
COLUMN signing_phone_code.tries smallint NOT NULL
COLUMN signing_phone_code.used_at timestamp with time zone
COLUMN signing_pin_tries.failed integer NOT NULL
COLUMN signing_pin_tries.locked_until timestamp with time zone
COLUMN signing_pin_tries.staff_id uuid NOT NULL
COLUMN signing_policy.document_kind text NOT NULL
COLUMN signing_policy.id uuid NOT NULL
COLUMN signing_policy.key_kinds text[] NOT NULL
COLUMN signing_policy.owner_kind text NOT NULL
COLUMN signing_policy.reason text NOT NULL
COLUMN signing_policy.set_at timestamp with time zone NOT NULL
COLUMN signing_policy.set_by uuid NOT NULL
COLUMN signing_policy.staff_id uuid
COLUMN signing_public_try.last_at timestamp with time zone NOT NULL
COLUMN signing_public_try.source bytea NOT NULL
COLUMN signing_public_try.tries timestamp with time zone[] NOT NULL
COLUMN signing_refusal.document_id uuid NOT NULL
COLUMN signing_refusal.id uuid NOT NULL
COLUMN signing_refusal.reason text NOT NULL
COLUMN signing_refusal.refused_at timestamp with time zone NOT NULL
COLUMN signing_refusal.refused_by uuid NOT NULL
COLUMN signing_refusal.refused_name text NOT NULL
COLUMN signing_refusal.slot_id uuid NOT NULL
COLUMN signing_rehearsal.certificate_id uuid
COLUMN signing_rehearsal.checks jsonb NOT NULL
COLUMN signing_rehearsal.id uuid NOT NULL
COLUMN signing_rehearsal.made_at timestamp with time zone NOT NULL
COLUMN signing_rehearsal.made_by uuid NOT NULL
COLUMN signing_rehearsal.ready boolean NOT NULL
COLUMN signing_rehearsal.staff_id uuid
COLUMN signing_release.id uuid NOT NULL
COLUMN signing_release.released_at timestamp with time zone NOT NULL
COLUMN signing_release.released_by uuid NOT NULL
COLUMN signing_release.released_name text NOT NULL
COLUMN signing_release.slot_id uuid NOT NULL
COLUMN signing_reminder.department text
COLUMN signing_reminder.escalated boolean NOT NULL
COLUMN signing_reminder.id uuid NOT NULL
COLUMN signing_reminder.sent_at timestamp with time zone NOT NULL
COLUMN signing_reminder.slot_id uuid NOT NULL
COLUMN signing_reminder.step integer NOT NULL
COLUMN signing_reminder.to_id uuid
COLUMN signing_reminder.to_role text
COLUMN signing_remote.certificate_id uuid NOT NULL
COLUMN signing_remote.claimed_until timestamp with time zone
COLUMN signing_remote.created_at timestamp with time zone NOT NULL
COLUMN signing_remote.device text NOT NULL
COLUMN signing_remote.ended_at timestamp with time zone
COLUMN signing_remote.expires_at timestamp with time zone NOT NULL
COLUMN signing_remote.fingerprint text NOT NULL
COLUMN signing_remote.id uuid NOT NULL
COLUMN signing_remote.ip text NOT NULL
COLUMN signing_remote.method text NOT NULL
COLUMN signing_remote.reason text NOT NULL
COLUMN signing_remote.reference text
COLUMN signing_remote.scheme text NOT NULL
COLUMN signing_remote.session_id uuid
COLUMN signing_remote.staff_id uuid NOT NULL
COLUMN signing_remote.state text NOT NULL
COLUMN signing_remote_item.document_id uuid NOT NULL
COLUMN signing_remote_item.head_sha256 text NOT NULL
COLUMN signing_remote_item.position integer NOT NULL
COLUMN signing_remote_item.prepared bytea
COLUMN signing_remote_item.reason text NOT NULL
COLUMN signing_remote_item.sitting_id uuid NOT NULL
COLUMN signing_remote_item.state text NOT NULL
COLUMN signing_remote_item.title text NOT NULL
COLUMN signing_remote_item.value bytea
COLUMN signing_signature.asked_id uuid
COLUMN signing_signature.basis text NOT NULL DEFAULT ''::text
COLUMN signing_signature.capacity text NOT NULL DEFAULT 'OWN'::text
COLUMN signing_signature.certificate bytea NOT NULL
COLUMN signing_signature.certificate_id uuid NOT NULL
COLUMN signing_signature.certificate_issuer text NOT NULL
COLUMN signing_signature.certificate_serial text NOT NULL
COLUMN signing_signature.chain bytea[] NOT NULL
COLUMN signing_signature.checks jsonb NOT NULL
COLUMN signing_signature.crls bytea[] NOT NULL
COLUMN signing_signature.device text NOT NULL
COLUMN signing_signature.document_id uuid NOT NULL
COLUMN signing_signature.field text NOT NULL
COLUMN signing_signature.id uuid NOT NULL
COLUMN signing_signature.ip text NOT NULL
COLUMN signing_signature.level text NOT NULL
COLUMN signing_signature.method text NOT NULL
COLUMN signing_signature.ocsps bytea[] NOT NULL
COLUMN signing_signature.on_behalf_of text NOT NULL DEFAULT ''::text
COLUMN signing_signature.previous_sha256 text NOT NULL
COLUMN signing_signature.scheme text NOT NULL
COLUMN signing_signature.session_id uuid
COLUMN signing_signature.sha256 text NOT NULL
COLUMN signing_signature.signed_at timestamp with time zone NOT NULL
COLUMN signing_signature.signer_id uuid
COLUMN signing_signature.signer_kind text NOT NULL
COLUMN signing_signature.signer_name text NOT NULL
COLUMN signing_signature.signer_title text NOT NULL
COLUMN signing_signature.slot_id uuid NOT NULL
COLUMN signing_signature.slot_label text NOT NULL
COLUMN signing_signature.stamped_at timestamp with time zone
COLUMN signing_signature.stamped_by text NOT NULL
COLUMN signing_signature.standing text NOT NULL
COLUMN signing_signature.token bytea
COLUMN signing_signature.version integer NOT NULL
COLUMN signing_sitting.absence text
COLUMN signing_sitting.code_hash bytea
COLUMN signing_sitting.device text NOT NULL
COLUMN signing_sitting.device_hash bytea
COLUMN signing_sitting.device_ip text NOT NULL
COLUMN signing_sitting.ended_at timestamp with time zone
COLUMN signing_sitting.expires_at timestamp with time zone NOT NULL
COLUMN signing_sitting.id uuid NOT NULL
COLUMN signing_sitting.joined_at timestamp with time zone
COLUMN signing_sitting.kind text NOT NULL
COLUMN signing_sitting.method text
COLUMN signing_sitting.opened_at timestamp with time zone NOT NULL
COLUMN signing_sitting.opened_by uuid NOT NULL
COLUMN signing_sitting.opened_department text NOT NULL
COLUMN signing_sitting.opened_name text NOT NULL
COLUMN signing_sitting.opened_title text NOT NULL
COLUMN signing_sitting.patient_id uuid NOT NULL
COLUMN signing_sitting.patient_name text NOT NULL
COLUMN signing_sitting.phone_id uuid
COLUMN signing_sitting.reason text NOT NULL
COLUMN signing_sitting.relation text NOT NULL
COLUMN signing_sitting.signed_at timestamp with time zone
COLUMN signing_sitting.signer_kind text NOT NULL
COLUMN signing_sitting.signer_name text NOT NULL
COLUMN signing_sitting.signer_number text NOT NULL
COLUMN signing_sitting.standing text
COLUMN signing_sitting.standing_note text NOT NULL
COLUMN signing_sitting.state text NOT NULL
COLUMN signing_sitting_document.bundle_sha256 text
COLUMN signing_sitting_document.document_id uuid NOT NULL
COLUMN signing_sitting_document.failure text NOT NULL
COLUMN signing_sitting_document.pages integer NOT NULL
COLUMN signing_sitting_document.pages_shown smallint[] NOT NULL
COLUMN signing_sitting_document.position smallint NOT NULL
COLUMN signing_sitting_document.scan_sha256 text
COLUMN signing_sitting_document.sealed_at timestamp with time zone
COLUMN signing_sitting_document.sha256 text NOT NULL
COLUMN signing_sitting_document.shown_at timestamp with time zone
COLUMN signing_sitting_document.signed_at timestamp with time zone
COLUMN signing_sitting_document.sitting_id uuid NOT NULL
COLUMN signing_sitting_document.size integer NOT NULL
COLUMN signing_sitting_document.slot_id uuid NOT NULL
COLUMN signing_sitting_witness.certificate_id uuid NOT NULL
COLUMN signing_sitting_witness.cms bytea NOT NULL
COLUMN signing_sitting_witness.ip text NOT NULL
COLUMN signing_sitting_witness.name text NOT NULL
COLUMN signing_sitting_witness.session_id uuid
COLUMN signing_sitting_witness.sitting_id uuid NOT NULL
COLUMN signing_sitting_witness.staff_id uuid NOT NULL
COLUMN signing_sitting_witness.statement_sha256 text NOT NULL
COLUMN signing_sitting_witness.title text NOT NULL
COLUMN signing_sitting_witness.witnessed_at timestamp with time zone NOT NULL
COLUMN signing_slot.asked_department text
COLUMN signing_slot.asked_id uuid
COLUMN signing_slot.asked_role text
COLUMN signing_slot.document_id uuid NOT NULL
COLUMN signing_slot.field text NOT NULL
COLUMN signing_slot.id uuid NOT NULL
COLUMN signing_slot.label text NOT NULL
COLUMN signing_slot.open_since timestamp with time zone
COLUMN signing_slot.owner_department text
COLUMN signing_slot.owner_id uuid
COLUMN signing_slot.owner_kind text NOT NULL
COLUMN signing_slot.owner_role text
COLUMN signing_slot.position integer NOT NULL
COLUMN signing_slot.signed_at timestamp with time zone
COLUMN signing_slot.state text NOT NULL
COLUMN signing_unlocked_key.certificate_id uuid NOT NULL
COLUMN signing_unlocked_key.opened_at timestamp with time zone NOT NULL
COLUMN signing_unlocked_key.sealed bytea NOT NULL
COLUMN signing_unlocked_key.session_id uuid
COLUMN signing_unlocked_key.staff_id uuid NOT NULL
COLUMN signing_unlocked_key.token_hash bytea NOT NULL
COLUMN signing_unlocked_key.used_at timestamp with time zone NOT NULL
COLUMN signing_verdict.checked_at timestamp with time zone NOT NULL
COLUMN signing_verdict.report jsonb NOT NULL
COLUMN signing_verdict.sha256 text NOT NULL
COLUMN signing_verdict.valid boolean NOT NULL
COLUMN signing_verified_phone.holder_name text NOT NULL
COLUMN signing_verified_phone.id uuid NOT NULL
COLUMN signing_verified_phone.patient_id uuid NOT NULL
COLUMN signing_verified_phone.phone text NOT NULL
COLUMN signing_verified_phone.verified_at timestamp with time zone NOT NULL
COLUMN signing_verified_phone.verified_by uuid NOT NULL
CONSTRAINT alembic_version alembic_version_pkc PRIMARY KEY (version_num)
CONSTRAINT billing_account ck_billing_account_due CHECK ((due >= 0))
CONSTRAINT billing_account ck_billing_account_frozen CHECK (((state = 'SETTLED'::text) = (frozen_bill IS NOT NULL)))
CONSTRAINT billing_account ck_billing_account_settled CHECK (((state = 'SETTLED'::text) = (settled_at IS NOT NULL)))
CONSTRAINT billing_account ck_billing_account_state CHECK ((state = ANY (ARRAY['OPEN'::text, 'SETTLED'::text])))
CONSTRAINT billing_account pk_billing_account PRIMARY KEY (id)
CONSTRAINT billing_account uq_billing_account_episode_id UNIQUE (episode_id)
CONSTRAINT billing_allocation ck_billing_allocation_amounts CHECK (((to_request >= 0) AND (excess >= 0) AND ((to_request + excess) > 0)))
CONSTRAINT billing_allocation ck_billing_allocation_quality CHECK ((quality = ANY (ARRAY['EXACT'::text, 'REPAIRED'::text, 'ATTACHED'::text])))
CONSTRAINT billing_allocation fk_billing_allocation_entry_id FOREIGN KEY (entry_id) REFERENCES billing_ledger_entry(id)
CONSTRAINT billing_allocation fk_billing_allocation_request_id FOREIGN KEY (request_id) REFERENCES billing_request(id)
CONSTRAINT billing_allocation fk_billing_allocation_transaction_id FOREIGN KEY (transaction_id) REFERENCES billing_bank_transaction(id)
CONSTRAINT billing_allocation pk_billing_allocation PRIMARY KEY (transaction_id)
CONSTRAINT billing_bank_transaction ck_billing_bank_transaction_amount CHECK ((amount >= 0))
CONSTRAINT billing_bank_transaction ck_billing_bank_transaction_direction CHECK ((direction = ANY (ARRAY['IN'::text, 'OUT'::text])))
CONSTRAINT billing_bank_transaction ck_billing_bank_transaction_ignored CHECK (((state = 'IGNORED_OUT'::text) = ((direction = 'OUT'::text) OR (amount = 0))))
CONSTRAINT billing_bank_transaction ck_billing_bank_transaction_state CHECK ((state = ANY (ARRAY['RECEIVED'::text, 'MATCHED'::text, 'UNMATCHED'::text, 'AMBIGUOUS'::text, 'IGNORED_OUT'::text])))
CONSTRAINT billing_bank_transaction pk_billing_bank_transaction PRIMARY KEY (id)
CONSTRAINT billing_book ck_billing_book_next_number CHECK ((next_number > 0))
CONSTRAINT billing_book pk_billing_book PRIMARY KEY (code, year)
CONSTRAINT billing_charge ck_billing_charge_kind CHECK ((kind = ANY (ARRAY['BHYT'::text, 'FEE'::text, 'ON_DEMAND'::text, 'FOREIGNER'::text])))
CONSTRAINT billing_charge ck_billing_charge_prices CHECK (((unit_price >= 0) AND (insured_price >= 0) AND (insured_price <= unit_price)))
CONSTRAINT billing_charge ck_billing_charge_quantity CHECK ((quantity > 0))
CONSTRAINT billing_charge fk_billing_charge_account_id FOREIGN KEY (account_id) REFERENCES billing_account(id)
CONSTRAINT billing_charge fk_billing_charge_paid_request_id FOREIGN KEY (paid_request_id) REFERENCES billing_request(id)
CONSTRAINT billing_charge pk_billing_charge PRIMARY KEY (id)
CONSTRAINT billing_counter ck_billing_counter_code CHECK ((code ~ '^[A-Z0-9]{1,8}$'::text))
CONSTRAINT billing_counter pk_billing_counter PRIMARY KEY (code)
CONSTRAINT billing_evidence fk_billing_evidence_notice_id FOREIGN KEY (notice_id) REFERENCES billing_notice(id)
CONSTRAINT billing_evidence fk_billing_evidence_transaction_id FOREIGN KEY (transaction_id) REFERENCES billing_bank_transaction(id)
CONSTRAINT billing_evidence pk_billing_evidence PRIMARY KEY (notice_id)
CONSTRAINT billing_evidence uq_billing_evidence_provider_txn_id UNIQUE (provider, txn_id)
CONSTRAINT billing_invoice ck_billing_invoice_coded_has_code CHECK (((state <> ALL (ARRAY['coded'::text, 'delivered'::text])) OR (symbol !~~ 'C%'::text) OR (tax_code <> ''::text)))
CONSTRAINT billing_invoice ck_billing_invoice_coded_is_verified CHECK (((state <> ALL (ARRAY['coded'::text, 'delivered'::text])) OR ((archived_sha256 IS NOT NULL) AND (verified_at IS NOT NULL))))
CONSTRAINT billing_invoice ck_billing_invoice_kind_known CHECK ((kind = ANY (ARRAY[1, 2])))
CONSTRAINT billing_invoice ck_billing_invoice_number_in_8_digits CHECK (((number >= 1) AND (number <= 99999999)))
CONSTRAINT billing_invoice ck_billing_invoice_number_with_day CHECK (((number IS NULL) = (issued_on IS NULL)))
CONSTRAINT billing_invoice ck_billing_invoice_original_above_zero CHECK (((relation IS NOT NULL) OR (total > 0)))
CONSTRAINT billing_invoice ck_billing_invoice_relation_known CHECK ((relation = ANY (ARRAY['adjusts'::text, 'replaces'::text])))
CONSTRAINT billing_invoice ck_billing_invoice_relation_named CHECK (((relates_to IS NULL) = (relation IS NULL)))
CONSTRAINT billing_invoice ck_billing_invoice_scope_known CHECK ((scope = ANY (ARRAY['individual'::text, 'aggregate'::text, 'correction'::text])))
CONSTRAINT billing_invoice ck_billing_invoice_signed_has_number CHECK (((state = 'created'::text) OR ((number IS NOT NULL) AND (signed_sha256 IS NOT NULL))))
CONSTRAINT billing_invoice ck_billing_invoice_state_known CHECK ((state = ANY (ARRAY['created'::text, 'signed'::text, 'sent'::text, 'coded'::text, 'delivered'::text])))
CONSTRAINT billing_invoice fk_billing_invoice_relates_to FOREIGN KEY (relates_to) REFERENCES billing_invoice(id)
CONSTRAINT billing_invoice pk_billing_invoice PRIMARY KEY (id)
CONSTRAINT billing_invoice uq_billing_invoice_number UNIQUE (kind, symbol, number)
CONSTRAINT billing_invoice_due pk_billing_invoice_due PRIMARY KEY (episode_id)
CONSTRAINT billing_invoice_episode ck_billing_invoice_episode_amount_not_zero CHECK ((amount <> 0))
CONSTRAINT billing_invoice_episode fk_billing_invoice_episode_invoice_id FOREIGN KEY (invoice_id) REFERENCES billing_invoice(id)
CONSTRAINT billing_invoice_episode pk_billing_invoice_episode PRIMARY KEY (invoice_id, episode_id)
CONSTRAINT billing_invoice_event fk_billing_invoice_event_invoice_id FOREIGN KEY (invoice_id) REFERENCES billing_invoice(id)
CONSTRAINT billing_invoice_event pk_billing_invoice_event PRIMARY KEY (id)
CONSTRAINT billing_invoice_receipt fk_billing_invoice_receipt_invoice_id FOREIGN KEY (invoice_id) REFERENCES billing_invoice(id)
CONSTRAINT billing_invoice_receipt fk_billing_invoice_receipt_receipt_id FOREIGN KEY (receipt_id) REFERENCES billing_receipt(id)
CONSTRAINT billing_invoice_receipt pk_billing_invoice_receipt PRIMARY KEY (invoice_id, receipt_id)
CONSTRAINT billing_invoice_series ck_billing_invoice_series_kind_known CHECK ((kind = ANY (ARRAY[1, 2])))
CONSTRAINT billing_invoice_series ck_billing_invoice_series_next_number_in_8_digits CHECK (((next_number >= 1) AND (next_number <= 100000000)))
CONSTRAINT billing_invoice_series ck_billing_invoice_series_symbol_formed CHECK ((symbol ~ '^[CK][0-9]{2}[TDLMNBGHXF][A-Z]{2}$'::text))
CONSTRAINT billing_invoice_series pk_billing_invoice_series PRIMARY KEY (kind, symbol)
CONSTRAINT billing_invoice_wish pk_billing_invoice_wish PRIMARY KEY (episode_id)
CONSTRAINT billing_ledger_entry balances TRIGGER DEFERRABLE INITIALLY DEFERRED
CONSTRAINT billing_ledger_entry ck_billing_ledger_entry_kind CHECK ((kind = ANY (ARRAY['PAYMENT'::text, 'DEPOSIT'::text, 'UNMATCHED'::text, 'ATTACH'::text, 'SETTLE'::text, 'MOVE'::text, 'REFUND'::text, 'REVERSAL'::text])))
CONSTRAINT billing_ledger_entry ck_billing_ledger_entry_reverses CHECK (((kind = 'REVERSAL'::text) = (reverses_id IS NOT NULL)))
CONSTRAINT billing_ledger_entry fk_billing_ledger_entry_account_id FOREIGN KEY (account_id) REFERENCES billing_account(id)
CONSTRAINT billing_ledger_entry fk_billing_ledger_entry_request_id FOREIGN KEY (request_id) REFERENCES billing_request(id)
CONSTRAINT billing_ledger_entry fk_billing_ledger_entry_reverses_id FOREIGN KEY (reverses_id) REFERENCES billing_ledger_entry(id)
CONSTRAINT billing_ledger_entry fk_billing_ledger_entry_shift_id FOREIGN KEY (shift_id) REFERENCES billing_shift(id)
CONSTRAINT billing_ledger_entry fk_billing_ledger_entry_transaction_id FOREIGN KEY (transaction_id) REFERENCES billing_bank_transaction(id)
CONSTRAINT billing_ledger_entry pk_billing_ledger_entry PRIMARY KEY (id)
CONSTRAINT billing_ledger_entry uq_billing_ledger_entry_reverses_id UNIQUE (reverses_id)
CONSTRAINT billing_ledger_posting balances TRIGGER DEFERRABLE INITIALLY DEFERRED
CONSTRAINT billing_ledger_posting ck_billing_ledger_posting_amount CHECK ((amount <> 0))
CONSTRAINT billing_ledger_posting ck_billing_ledger_posting_book CHECK ((book = ANY (ARRAY['CASH'::text, 'BANK'::text, 'SUSPENSE'::text, 'PATIENT'::text, 'FUND'::text, 'REVENUE'::text, 'DEPOSIT'::text, 'EXCESS'::text])))
CONSTRAINT billing_ledger_posting ck_billing_ledger_posting_whose CHECK (((book <> ALL (ARRAY['PATIENT'::text, 'DEPOSIT'::text, 'EXCESS'::text])) OR (account_id IS NOT NULL)))
CONSTRAINT billing_ledger_posting fk_billing_ledger_posting_account_id FOREIGN KEY (account_id) REFERENCES billing_account(id)
CONSTRAINT billing_ledger_posting fk_billing_ledger_posting_entry_id FOREIGN KEY (entry_id) REFERENCES billing_ledger_entry(id)
CONSTRAINT billing_ledger_posting held TRIGGER DEFERRABLE INITIALLY DEFERRED
CONSTRAINT billing_ledger_posting pk_billing_ledger_posting PRIMARY KEY (id)
CONSTRAINT billing_match_proposal ck_billing_match_proposal_decided CHECK (((state = 'PROPOSED'::text) = (decided_at IS NULL)))
CONSTRAINT billing_match_proposal ck_billing_match_proposal_reason CHECK ((length(reason) >= 3))
CONSTRAINT billing_match_proposal ck_billing_match_proposal_state CHECK ((state = ANY (ARRAY['PROPOSED'::text, 'CONFIRMED'::text, 'REJECTED'::text])))
CONSTRAINT billing_match_proposal ck_billing_match_proposal_two_people CHECK ((decided_by <> proposed_by))
CONSTRAINT billing_match_proposal fk_billing_match_proposal_request_id FOREIGN KEY (request_id) REFERENCES billing_request(id)
CONSTRAINT billing_match_proposal fk_billing_match_proposal_transaction_id FOREIGN KEY (transaction_id) REFERENCES billing_bank_transaction(id)
CONSTRAINT billing_match_proposal pk_billing_match_proposal PRIMARY KEY (id)
CONSTRAINT billing_notice pk_billing_notice PRIMARY KEY (id)
CONSTRAINT billing_paper ck_billing_paper_kind_known CHECK ((kind = ANY (ARRAY['receipt'::text, 'bill'::text])))
CONSTRAINT billing_paper pk_billing_paper PRIMARY KEY (id)
CONSTRAINT billing_paper uq_billing_paper_kind_subject_id UNIQUE (kind, subject_id)
CONSTRAINT billing_price ck_billing_price_amount CHECK ((amount >= 0))
CONSTRAINT billing_price ck_billing_price_days CHECK (((valid_to IS NULL) OR (valid_to >= valid_from)))
CONSTRAINT billing_price ck_billing_price_kind CHECK ((kind = ANY (ARRAY['BHYT'::text, 'FEE'::text, 'ON_DEMAND'::text, 'FOREIGNER'::text])))
CONSTRAINT billing_price pk_billing_price PRIMARY KEY (id)
CONSTRAINT billing_price uq_billing_price_service_code_kind_valid_from UNIQUE (service_code, kind, valid_from)
CONSTRAINT billing_receipt ck_billing_receipt_amounts CHECK (((amount > 0) AND (excess >= 0) AND (excess <= amount)))
CONSTRAINT billing_receipt ck_billing_receipt_kind CHECK ((kind = ANY (ARRAY['BILL'::text, 'DEPOSIT'::text, 'EXCESS'::text, 'REFUND'::text])))
CONSTRAINT billing_receipt ck_billing_receipt_method CHECK ((method = ANY (ARRAY['CASH'::text, 'TRANSFER'::text])))
CONSTRAINT billing_receipt fk_billing_receipt_account_id FOREIGN KEY (account_id) REFERENCES billing_account(id)
CONSTRAINT billing_receipt fk_billing_receipt_entry_id FOREIGN KEY (entry_id) REFERENCES billing_ledger_entry(id)
CONSTRAINT billing_receipt fk_billing_receipt_request_id FOREIGN KEY (request_id) REFERENCES billing_request(id)
CONSTRAINT billing_receipt pk_billing_receipt PRIMARY KEY (id)
CONSTRAINT billing_receipt uq_billing_receipt_book_year_sequence UNIQUE (book, year, sequence)
CONSTRAINT billing_receipt uq_billing_receipt_entry_id UNIQUE (entry_id)
CONSTRAINT billing_reference_key ck_billing_reference_key_one CHECK ((id = 1))
CONSTRAINT billing_reference_key pk_billing_reference_key PRIMARY KEY (id)
CONSTRAINT billing_refund ck_billing_refund_amount CHECK ((amount > 0))
CONSTRAINT billing_refund ck_billing_refund_decided CHECK (((state = 'REQUESTED'::text) OR (decided_by IS NOT NULL)))
CONSTRAINT billing_refund ck_billing_refund_method CHECK ((method = ANY (ARRAY['CASH'::text, 'TRANSFER'::text])))
CONSTRAINT billing_refund ck_billing_refund_posted CHECK (((state = ANY (ARRAY['SENT'::text, 'CONFIRMED'::text, 'FAILED'::text])) = (entry_id IS NOT NULL)))
CONSTRAINT billing_refund ck_billing_refund_second_person CHECK ((decided_by <> requested_by))
CONSTRAINT billing_refund ck_billing_refund_source CHECK ((source = ANY (ARRAY['DEPOSIT'::text, 'EXCESS'::text])))
CONSTRAINT billing_refund ck_billing_refund_state CHECK ((state = ANY (ARRAY['REQUESTED'::text, 'APPROVED'::text, 'REJECTED'::text, 'SENT'::text, 'CONFIRMED'::text, 'FAILED'::text])))
CONSTRAINT billing_refund ck_billing_refund_where CHECK (((method = 'CASH'::text) OR ((to_account <> ''::text) AND (to_holder <> ''::text))))
CONSTRAINT billing_refund fk_billing_refund_account_id_billing_account FOREIGN KEY (account_id) REFERENCES billing_account(id)
CONSTRAINT billing_refund fk_billing_refund_entry_id_billing_ledger_entry FOREIGN KEY (entry_id) REFERENCES billing_ledger_entry(id)
CONSTRAINT billing_refund fk_billing_refund_receipt_id_billing_receipt FOREIGN KEY (receipt_id) REFERENCES billing_receipt(id)
CONSTRAINT billing_refund pk_billing_refund PRIMARY KEY (id)
CONSTRAINT billing_refund uq_billing_refund_entry_id UNIQUE (entry_id)
CONSTRAINT billing_request ck_billing_request_amounts CHECK (((amount > 0) AND (received >= 0) AND (excess >= 0) AND (received <= amount)))
CONSTRAINT billing_request ck_billing_request_kind CHECK ((kind = ANY (ARRAY['BILL'::text, 'DEPOSIT'::text])))
CONSTRAINT billing_request ck_billing_request_overpaid CHECK (((state = 'OVERPAID'::text) = (excess > 0)))
CONSTRAINT billing_request ck_billing_request_reference CHECK ((reference ~ '^VP[1-9][0-9]{10}$'::text))
CONSTRAINT billing_request ck_billing_request_state CHECK ((state = ANY (ARRAY['PENDING'::text, 'PAID'::text, 'UNDERPAID'::text, 'OVERPAID'::text, 'EXPIRED'::text, 'CANCELLED'::text])))
CONSTRAINT billing_request ck_billing_request_underpaid CHECK (((state <> 'UNDERPAID'::text) OR (received < amount)))
CONSTRAINT billing_request fk_billing_request_account_id FOREIGN KEY (account_id) REFERENCES billing_account(id)
CONSTRAINT billing_request pk_billing_request PRIMARY KEY (id)
CONSTRAINT billing_request uq_billing_request_reference UNIQUE (reference)
CONSTRAINT billing_request_charge fk_billing_request_charge_charge_id FOREIGN KEY (charge_id) REFERENCES billing_charge(id)
CONSTRAINT billing_request_charge fk_billing_request_charge_request_id FOREIGN KEY (request_id) REFERENCES billing_request(id)
CONSTRAINT billing_request_charge pk_billing_request_charge PRIMARY KEY (request_id, charge_id)
CONSTRAINT billing_screen ck_billing_screen_code CHECK ((code ~ '^[0-9]{6}$'::text))
CONSTRAINT billing_screen ck_billing_screen_paired CHECK (((paired_at IS NULL) OR (paired_by IS NOT NULL)))
CONSTRAINT billing_screen fk_billing_screen_counter FOREIGN KEY (counter) REFERENCES billing_counter(code)
CONSTRAINT billing_screen pk_billing_screen PRIMARY KEY (id)
CONSTRAINT billing_screen uq_billing_screen_token_hash UNIQUE (token_hash)
CONSTRAINT billing_shift ck_billing_shift_amounts CHECK (((opening_float >= 0) AND (counted >= 0)))
CONSTRAINT billing_shift ck_billing_shift_closed CHECK (((closed_at IS NULL) = (counted IS NULL)))
CONSTRAINT billing_shift ck_billing_shift_reason CHECK (((difference = 0) OR (length(reason) >= 3)))
CONSTRAINT billing_shift fk_billing_shift_counter FOREIGN KEY (counter) REFERENCES billing_counter(code)
CONSTRAINT billing_shift pk_billing_shift PRIMARY KEY (id)
CONSTRAINT emr_bed fk_emr_bed_department_code FOREIGN KEY (department_code) REFERENCES emr_department(code)
CONSTRAINT emr_bed fk_emr_bed_room_code FOREIGN KEY (room_code) REFERENCES emr_room(code)
CONSTRAINT emr_bed pk_emr_bed PRIMARY KEY (code)
CONSTRAINT emr_bed uq_emr_bed_number UNIQUE (number)
CONSTRAINT emr_bed_use ex_emr_bed_use_bed_during EXCLUDE USING gist (int4range(bed_number, bed_number, '[]'::text) WITH &&, during WITH &&)
CONSTRAINT emr_bed_use fk_emr_bed_use_bed_code FOREIGN KEY (bed_code) REFERENCES emr_bed(code)
CONSTRAINT emr_bed_use fk_emr_bed_use_stay_id FOREIGN KEY (stay_id) REFERENCES emr_stay(id)
CONSTRAINT emr_bed_use pk_emr_bed_use PRIMARY KEY (id)
CONSTRAINT emr_credit fk_emr_credit_episode_id FOREIGN KEY (episode_id) REFERENCES emr_episode(id)
CONSTRAINT emr_credit pk_emr_credit PRIMARY KEY (episode_id)
CONSTRAINT emr_department ck_emr_department_kind CHECK ((kind = ANY (ARRAY['CLINICAL'::text, 'SUPPORT'::text, 'OFFICE'::text])))
CONSTRAINT emr_department pk_emr_department PRIMARY KEY (code)
CONSTRAINT emr_drug ck_emr_drug_control CHECK ((control = ANY (ARRAY[''::text, 'N'::text, 'H'::text])))
CONSTRAINT emr_drug pk_emr_drug PRIMARY KEY (code)
CONSTRAINT emr_duty ck_emr_duty_kind CHECK ((kind = ANY (ARRAY['LEADER'::text, 'DOCTOR'::text, 'NURSE'::text, 'TECHNICIAN'::text])))
CONSTRAINT emr_duty ck_emr_duty_order CHECK ((ends_at > starts_at))
CONSTRAINT emr_duty fk_emr_duty_department_code FOREIGN KEY (department_code) REFERENCES emr_department(code)
CONSTRAINT emr_duty fk_emr_duty_staff_id FOREIGN KEY (staff_id) REFERENCES kernel_staff_account(id)
CONSTRAINT emr_duty pk_emr_duty PRIMARY KEY (id)
CONSTRAINT emr_duty uq_emr_duty_staff_id_kind_department_code_starts_at UNIQUE (staff_id, kind, department_code, starts_at)
CONSTRAINT emr_emergency_access ck_emr_emergency_access_reason CHECK ((length(reason) >= 10))
CONSTRAINT emr_emergency_access ck_emr_emergency_access_reviewed CHECK (((reviewed_at IS NULL) = (justified IS NULL)))
CONSTRAINT emr_emergency_access ck_emr_emergency_access_second_person CHECK ((reviewed_by <> staff_id))
CONSTRAINT emr_emergency_access ck_emr_emergency_access_until CHECK ((until > opened_at))
CONSTRAINT emr_emergency_access fk_emr_emergency_access_patient_id_emr_patient FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT emr_emergency_access fk_emr_emergency_access_staff_id_kernel_staff_account FOREIGN KEY (staff_id) REFERENCES kernel_staff_account(id)
CONSTRAINT emr_emergency_access pk_emr_emergency_access PRIMARY KEY (id)
CONSTRAINT emr_episode ck_emr_episode_closed CHECK (((state = 'CLOSED'::text) = (closed_at IS NOT NULL)))
CONSTRAINT emr_episode ck_emr_episode_state CHECK ((state = ANY (ARRAY['OPEN'::text, 'CLOSED'::text])))
CONSTRAINT emr_episode fk_emr_episode_patient_id FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT emr_episode pk_emr_episode PRIMARY KEY (id)
CONSTRAINT emr_episode uq_emr_episode_code UNIQUE (code)
CONSTRAINT emr_ethnic_group pk_emr_ethnic_group PRIMARY KEY (code)
CONSTRAINT emr_icd10 pk_emr_icd10 PRIMARY KEY (code)
CONSTRAINT emr_icd10_pair pk_emr_icd10_pair PRIMARY KEY (dagger_code, asterisk_code)
CONSTRAINT emr_order ck_emr_order_held CHECK (((state = 'HELD'::text) <= (released_at IS NULL)))
CONSTRAINT emr_order ck_emr_order_quantity CHECK ((quantity > 0))
CONSTRAINT emr_order ck_emr_order_released CHECK (((state = ANY (ARRAY['HELD'::text, 'VOIDED'::text])) OR (released_at IS NOT NULL)))
CONSTRAINT emr_order ck_emr_order_released_by CHECK ((released_by = ANY (ARRAY['RULE'::text, 'PAYMENT'::text, 'CREDIT'::text])))
CONSTRAINT emr_order ck_emr_order_state CHECK ((state = ANY (ARRAY['HELD'::text, 'RELEASED'::text, 'DOING'::text, 'REPORTED'::text, 'DONE'::text, 'VOIDED'::text])))
CONSTRAINT emr_order ck_emr_order_voided CHECK (((state = 'VOIDED'::text) = (voided_at IS NOT NULL)))
CONSTRAINT emr_order fk_emr_order_episode_id FOREIGN KEY (episode_id) REFERENCES emr_episode(id)
CONSTRAINT emr_order fk_emr_order_patient_id FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT emr_order fk_emr_order_room_code FOREIGN KEY (room_code) REFERENCES emr_room(code)
CONSTRAINT emr_order fk_emr_order_visit_id FOREIGN KEY (visit_id) REFERENCES emr_visit(id)
CONSTRAINT emr_order pk_emr_order PRIMARY KEY (id)
CONSTRAINT emr_order uq_emr_order_number UNIQUE (number)
CONSTRAINT emr_patient ck_emr_patient_birth_precision CHECK ((birth_precision = ANY (ARRAY['DAY'::text, 'MONTH'::text, 'YEAR'::text, 'ESTIMATED'::text])))
CONSTRAINT emr_patient ck_emr_patient_code CHECK ((code !~ '^[0-9]{12}$'::text))
CONSTRAINT emr_patient ck_emr_patient_revision CHECK ((revision > 0))
CONSTRAINT emr_patient ck_emr_patient_sex CHECK ((sex = ANY (ARRAY['MALE'::text, 'FEMALE'::text, 'UNKNOWN'::text])))
CONSTRAINT emr_patient pk_emr_patient PRIMARY KEY (id)
CONSTRAINT emr_patient uq_emr_patient_code UNIQUE (code)
CONSTRAINT emr_patient_identifier ck_emr_patient_identifier_active CHECK ((active = (ended_at IS NULL)))
CONSTRAINT emr_patient_identifier ck_emr_patient_identifier_kind CHECK ((kind = ANY (ARRAY['CITIZEN'::text, 'OLD_ID'::text, 'INSURANCE'::text, 'PASSPORT'::text])))
CONSTRAINT emr_patient_identifier fk_emr_patient_identifier_patient_id FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT emr_patient_identifier pk_emr_patient_identifier PRIMARY KEY (patient_id, kind, value, recorded_at)
CONSTRAINT emr_patient_version fk_emr_patient_version_patient_id FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT emr_patient_version pk_emr_patient_version PRIMARY KEY (patient_id, revision)
CONSTRAINT emr_prescription ck_emr_prescription_code CHECK ((code ~ '^[0-9A-Za-z]{5}[0-9a-z]{7}-[NHCT]$'::text))
CONSTRAINT emr_prescription ck_emr_prescription_kind CHECK (((kind = ANY (ARRAY['C'::text, 'N'::text, 'H'::text, 'T'::text])) AND (kind = "right"(code, 1))))
CONSTRAINT emr_prescription fk_emr_prescription_patient_id FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT emr_prescription fk_emr_prescription_replaces_id FOREIGN KEY (replaces_id) REFERENCES emr_prescription(sheet_id)
CONSTRAINT emr_prescription fk_emr_prescription_sheet_id FOREIGN KEY (sheet_id) REFERENCES emr_sheet(id)
CONSTRAINT emr_prescription fk_emr_prescription_visit_id FOREIGN KEY (visit_id) REFERENCES emr_visit(id)
CONSTRAINT emr_prescription pk_emr_prescription PRIMARY KEY (sheet_id)
CONSTRAINT emr_prescription uq_emr_prescription_code UNIQUE (code)
CONSTRAINT emr_prescription_line ck_emr_prescription_line_days CHECK (((days >= 1) AND (days <= 90)))
CONSTRAINT emr_prescription_line ck_emr_prescription_line_quantity CHECK ((quantity > (0)::numeric))
CONSTRAINT emr_prescription_line ck_emr_prescription_line_times_per_day CHECK (((times_per_day >= 1) AND (times_per_day <= 24)))
CONSTRAINT emr_prescription_line fk_emr_prescription_line_sheet_id FOREIGN KEY (sheet_id) REFERENCES emr_prescription(sheet_id)
CONSTRAINT emr_prescription_line pk_emr_prescription_line PRIMARY KEY (sheet_id, "position")
CONSTRAINT emr_province pk_emr_province PRIMARY KEY (code)
CONSTRAINT emr_queue_day fk_emr_queue_day_room_code FOREIGN KEY (room_code) REFERENCES emr_room(code)
CONSTRAINT emr_queue_day pk_emr_queue_day PRIMARY KEY (room_code, day)
CONSTRAINT emr_result ck_emr_result_reason CHECK (((version = 1) OR (reason <> ''::text)))
CONSTRAINT emr_result fk_emr_result_order_id FOREIGN KEY (order_id) REFERENCES emr_order(id)
CONSTRAINT emr_result pk_emr_result PRIMARY KEY (order_id, version)
CONSTRAINT emr_result uq_emr_result_id UNIQUE (id)
CONSTRAINT emr_room ck_emr_room_kind CHECK ((kind = ANY (ARRAY['EXAM'::text, 'EMERGENCY'::text, 'LAB'::text, 'IMAGING'::text, 'FUNCTION'::text, 'PROCEDURE'::text, 'WARD'::text, 'PHARMACY'::text])))
CONSTRAINT emr_room fk_emr_room_department_code FOREIGN KEY (department_code) REFERENCES emr_department(code)
CONSTRAINT emr_room pk_emr_room PRIMARY KEY (code)
CONSTRAINT emr_scan ck_emr_scan_pages CHECK ((pages > 0))
CONSTRAINT emr_scan ck_emr_scan_paper_fate CHECK ((paper_fate = ANY (ARRAY['KEPT'::text, 'RETURNED'::text, 'DESTROYED'::text])))
CONSTRAINT emr_scan ck_emr_scan_source_sha256 CHECK ((source_sha256 ~ '^[0-9a-f]{64}$'::text))
CONSTRAINT emr_scan fk_emr_scan_converted_by FOREIGN KEY (converted_by) REFERENCES kernel_staff_account(id)
CONSTRAINT emr_scan fk_emr_scan_document_id FOREIGN KEY (document_id) REFERENCES signing_document(id)
CONSTRAINT emr_scan fk_emr_scan_patient_id FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT emr_scan pk_emr_scan PRIMARY KEY (id)
CONSTRAINT emr_scan uq_emr_scan_document_id UNIQUE (document_id)
CONSTRAINT emr_service ck_emr_service_kind CHECK ((kind = ANY (ARRAY['EXAM'::text, 'LAB'::text, 'IMAGING'::text, 'FUNCTION'::text, 'PROCEDURE'::text, 'BED'::text, 'OTHER'::text])))
CONSTRAINT emr_service fk_emr_service_room_code FOREIGN KEY (room_code) REFERENCES emr_room(code)
CONSTRAINT emr_service pk_emr_service PRIMARY KEY (code)
CONSTRAINT emr_sheet ck_emr_sheet_cancelled CHECK (((state = 'CANCELLED'::text) = (cancelled_at IS NOT NULL)))
CONSTRAINT emr_sheet ck_emr_sheet_completed CHECK (((state = ANY (ARRAY['COMPLETED'::text, 'SIGNED'::text, 'SUPERSEDED'::text])) = ((document_id IS NOT NULL) AND (sha256 IS NOT NULL) AND (completed_at IS NOT NULL) AND (completed_by IS NOT NULL))))
CONSTRAINT emr_sheet ck_emr_sheet_counts CHECK (((revision > 0) AND (version > 0)))
CONSTRAINT emr_sheet ck_emr_sheet_reason CHECK (((version = 1) OR (reason <> ''::text)))
CONSTRAINT emr_sheet ck_emr_sheet_signed CHECK (((state <> 'SIGNED'::text) OR (signed_at IS NOT NULL)))
CONSTRAINT emr_sheet ck_emr_sheet_state CHECK ((state = ANY (ARRAY['DRAFT'::text, 'COMPLETED'::text, 'SIGNED'::text, 'SUPERSEDED'::text, 'CANCELLED'::text])))
CONSTRAINT emr_sheet ck_emr_sheet_version CHECK (((version > 1) = (supersedes IS NOT NULL)))
CONSTRAINT emr_sheet fk_emr_sheet_episode_id FOREIGN KEY (episode_id) REFERENCES emr_episode(id)
CONSTRAINT emr_sheet fk_emr_sheet_patient_id FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT emr_sheet fk_emr_sheet_supersedes FOREIGN KEY (supersedes) REFERENCES emr_sheet(id)
CONSTRAINT emr_sheet fk_emr_sheet_visit_id FOREIGN KEY (visit_id) REFERENCES emr_visit(id)
CONSTRAINT emr_sheet pk_emr_sheet PRIMARY KEY (id)
CONSTRAINT emr_sheet uq_emr_sheet_code UNIQUE (code)
CONSTRAINT emr_sheet_diagnosis ck_emr_sheet_diagnosis_role CHECK ((role = ANY (ARRAY['MAIN'::text, 'OTHER'::text, 'FIRST'::text])))
CONSTRAINT emr_sheet_diagnosis fk_emr_sheet_diagnosis_sheet_id FOREIGN KEY (sheet_id) REFERENCES emr_sheet(id)
CONSTRAINT emr_sheet_diagnosis fk_emr_sheet_diagnosis_visit_id FOREIGN KEY (visit_id) REFERENCES emr_visit(id)
CONSTRAINT emr_sheet_diagnosis pk_emr_sheet_diagnosis PRIMARY KEY (sheet_id, "position")
CONSTRAINT emr_sheet_order fk_emr_sheet_order_order_id FOREIGN KEY (order_id) REFERENCES emr_order(id)
CONSTRAINT emr_sheet_order fk_emr_sheet_order_sheet_id FOREIGN KEY (sheet_id) REFERENCES emr_sheet(id)
CONSTRAINT emr_sheet_order pk_emr_sheet_order PRIMARY KEY (sheet_id, order_id)
CONSTRAINT emr_stay ck_emr_stay_ended CHECK (((state = 'ENDED'::text) = ((discharged_at IS NOT NULL) AND (outcome IS NOT NULL))))
CONSTRAINT emr_stay ck_emr_stay_order CHECK ((discharged_at >= admitted_at))
CONSTRAINT emr_stay ck_emr_stay_state CHECK ((state = ANY (ARRAY['OPEN'::text, 'ENDED'::text])))
CONSTRAINT emr_stay fk_emr_stay_department_code FOREIGN KEY (department_code) REFERENCES emr_department(code)
CONSTRAINT emr_stay fk_emr_stay_episode_id FOREIGN KEY (episode_id) REFERENCES emr_episode(id)
CONSTRAINT emr_stay fk_emr_stay_patient_id FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT emr_stay fk_emr_stay_visit_id FOREIGN KEY (visit_id) REFERENCES emr_visit(id)
CONSTRAINT emr_stay pk_emr_stay PRIMARY KEY (id)
CONSTRAINT emr_stay uq_emr_stay_number UNIQUE (number)
CONSTRAINT emr_ticket ck_emr_ticket_rank CHECK (((rank >= 0) AND (rank <= 2)))
CONSTRAINT emr_ticket ck_emr_ticket_state CHECK ((state = ANY (ARRAY['WAITING'::text, 'CALLED'::text, 'SERVING'::text, 'DONE'::text, 'MISSED'::text, 'CANCELLED'::text])))
CONSTRAINT emr_ticket fk_emr_ticket_room_code FOREIGN KEY (room_code) REFERENCES emr_room(code)
CONSTRAINT emr_ticket fk_emr_ticket_visit_id FOREIGN KEY (visit_id) REFERENCES emr_visit(id)
CONSTRAINT emr_ticket pk_emr_ticket PRIMARY KEY (id)
CONSTRAINT emr_ticket uq_emr_ticket_room_code_day_number UNIQUE (room_code, day, number)
CONSTRAINT emr_visit ck_emr_visit_ended CHECK (((state = 'ENDED'::text) = ((ended_at IS NOT NULL) AND (outcome IS NOT NULL))))
CONSTRAINT emr_visit ck_emr_visit_identified_by CHECK ((identified_by = ANY (ARRAY['QR_CCCD'::text, 'CHIP_CCCD'::text, 'VNEID_APP'::text, 'AUTH_SERVICE'::text, 'BHXH_LOOKUP'::text, 'MANUAL'::text, 'UNKNOWN'::text])))
CONSTRAINT emr_visit ck_emr_visit_insurance CHECK (((payer <> 'BHYT'::text) OR (insurance IS NOT NULL)))
CONSTRAINT emr_visit ck_emr_visit_payer CHECK ((payer = ANY (ARRAY['BHYT'::text, 'SELF_PAY'::text, 'ON_DEMAND'::text, 'FOREIGNER'::text])))
CONSTRAINT emr_visit ck_emr_visit_setting CHECK ((setting = ANY (ARRAY['OUTPATIENT'::text, 'INPATIENT'::text, 'EMERGENCY'::text])))
CONSTRAINT emr_visit ck_emr_visit_state CHECK ((state = ANY (ARRAY['WAITING'::text, 'IN_PROGRESS'::text, 'ENDED'::text, 'CANCELLED'::text])))
CONSTRAINT emr_visit fk_emr_visit_department_code FOREIGN KEY (department_code) REFERENCES emr_department(code)
CONSTRAINT emr_visit fk_emr_visit_episode_id FOREIGN KEY (episode_id) REFERENCES emr_episode(id)
CONSTRAINT emr_visit fk_emr_visit_patient_id FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT emr_visit fk_emr_visit_room_code FOREIGN KEY (room_code) REFERENCES emr_room(code)
CONSTRAINT emr_visit pk_emr_visit PRIMARY KEY (id)
CONSTRAINT emr_visit uq_emr_visit_number UNIQUE (number)
CONSTRAINT emr_vitals ck_emr_vitals_both_pressures CHECK (((systolic IS NULL) = (diastolic IS NULL)))
CONSTRAINT emr_vitals ck_emr_vitals_pressures CHECK ((systolic > diastolic))
CONSTRAINT emr_vitals ck_emr_vitals_something CHECK ((COALESCE((pulse)::numeric, temperature, (systolic)::numeric, (respiration)::numeric, (spo2)::numeric, weight, height) IS NOT NULL))
CONSTRAINT emr_vitals ck_emr_vitals_voided CHECK (((voided_at IS NULL) = (void_reason = ''::text)))
CONSTRAINT emr_vitals fk_emr_vitals_patient_id_emr_patient FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT emr_vitals fk_emr_vitals_visit_id_emr_visit FOREIGN KEY (visit_id) REFERENCES emr_visit(id)
CONSTRAINT emr_vitals pk_emr_vitals PRIMARY KEY (id)
CONSTRAINT emr_ward fk_emr_ward_province_code FOREIGN KEY (province_code) REFERENCES emr_province(code)
CONSTRAINT emr_ward pk_emr_ward PRIMARY KEY (code)
CONSTRAINT insurance_parameter ck_insurance_parameter_source_named CHECK ((source <> ''::text))
CONSTRAINT insurance_parameter ck_insurance_parameter_value_not_negative CHECK ((value >= (0)::numeric))
CONSTRAINT insurance_parameter pk_insurance_parameter PRIMARY KEY (key, valid_from)
CONSTRAINT kernel_audit pk_kernel_audit PRIMARY KEY (id)
CONSTRAINT kernel_audit_block pk_kernel_audit_block PRIMARY KEY (no)
CONSTRAINT kernel_audit_block uq_kernel_audit_block_epoch_from_xid UNIQUE (epoch, from_xid)
CONSTRAINT kernel_audit_checkpoint pk_kernel_audit_checkpoint PRIMARY KEY (day)
CONSTRAINT kernel_job ck_kernel_job_finished CHECK (((state = ANY (ARRAY['ready'::text, 'leased'::text])) = (finished_at IS NULL)))
CONSTRAINT kernel_job ck_kernel_job_lease CHECK (((state = 'leased'::text) = (lease_until IS NOT NULL)))
CONSTRAINT kernel_job ck_kernel_job_state CHECK ((state = ANY (ARRAY['ready'::text, 'leased'::text, 'done'::text, 'dead'::text, 'discarded'::text])))
CONSTRAINT kernel_job pk_kernel_job PRIMARY KEY (id)
CONSTRAINT kernel_job uq_kernel_job_kind_key UNIQUE (kind, key)
CONSTRAINT kernel_periodic pk_kernel_periodic PRIMARY KEY (kind)
CONSTRAINT kernel_staff_account ck_kernel_staff_account_citizen_id CHECK (((citizen_id IS NULL) OR (citizen_id ~ '^[0-9]{12}$'::text)))
CONSTRAINT kernel_staff_account ck_kernel_staff_account_username CHECK (((username = lower(username)) AND (username ~ '^[a-z0-9._-]{2,40}$'::text)))
CONSTRAINT kernel_staff_account pk_kernel_staff_account PRIMARY KEY (id)
CONSTRAINT kernel_staff_account uq_kernel_staff_account_username UNIQUE (username)
CONSTRAINT kernel_staff_session fk_kernel_staff_session_account_id FOREIGN KEY (account_id) REFERENCES kernel_staff_account(id)
CONSTRAINT kernel_staff_session pk_kernel_staff_session PRIMARY KEY (id)
CONSTRAINT kernel_staff_session uq_kernel_staff_session_token_hash UNIQUE (token_hash)
CONSTRAINT kiosk_arrival ck_kiosk_arrival_done CHECK (((visit_id IS NULL) = (done_at IS NULL)))
CONSTRAINT kiosk_arrival ck_kiosk_arrival_identified_by CHECK ((identified_by = ANY (ARRAY['QR_CCCD'::text, 'BHYT_CARD'::text, 'BOOKING'::text, 'TYPED'::text])))
CONSTRAINT kiosk_arrival fk_kiosk_arrival_device_id FOREIGN KEY (device_id) REFERENCES kiosk_device(id)
CONSTRAINT kiosk_arrival fk_kiosk_arrival_patient_id FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT kiosk_arrival pk_kiosk_arrival PRIMARY KEY (id)
CONSTRAINT kiosk_device ck_kiosk_device_scope CHECK ((scope = 'CHECK_IN'::text))
CONSTRAINT kiosk_device fk_kiosk_device_added_by FOREIGN KEY (added_by) REFERENCES kernel_staff_account(id)
CONSTRAINT kiosk_device pk_kiosk_device PRIMARY KEY (id)
CONSTRAINT kiosk_device uq_kiosk_device_pairing_hash UNIQUE (pairing_hash)
CONSTRAINT kiosk_device uq_kiosk_device_token_hash UNIQUE (token_hash)
CONSTRAINT portal_account fk_portal_account_patient_id FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT portal_account pk_portal_account PRIMARY KEY (id)
CONSTRAINT portal_account uq_portal_account_patient_id UNIQUE (patient_id)
CONSTRAINT portal_booking ck_portal_booking_arrived CHECK (((state = 'ARRIVED'::text) = (visit_id IS NOT NULL)))
CONSTRAINT portal_booking ck_portal_booking_cancelled CHECK (((state = 'CANCELLED'::text) = (cancelled_at IS NOT NULL)))
CONSTRAINT portal_booking ck_portal_booking_code CHECK ((code ~ '^LH[2-9A-HJ-NP-Z]{10}$'::text))
CONSTRAINT portal_booking ck_portal_booking_state CHECK ((state = ANY (ARRAY['BOOKED'::text, 'CANCELLED'::text, 'ARRIVED'::text])))
CONSTRAINT portal_booking fk_portal_booking_moved_from FOREIGN KEY (moved_from) REFERENCES portal_booking(id)
CONSTRAINT portal_booking fk_portal_booking_patient_id FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT portal_booking fk_portal_booking_slot_id FOREIGN KEY (slot_id) REFERENCES portal_slot(id)
CONSTRAINT portal_booking pk_portal_booking PRIMARY KEY (id)
CONSTRAINT portal_booking uq_portal_booking_code UNIQUE (code)
CONSTRAINT portal_code_request ck_portal_code_request_tries CHECK (((tries >= 0) AND (birth_tries >= 0)))
CONSTRAINT portal_code_request pk_portal_code_request PRIMARY KEY (id)
CONSTRAINT portal_consent ck_portal_consent_text_sha256 CHECK ((text_sha256 ~ '^[0-9a-f]{64}$'::text))
CONSTRAINT portal_consent fk_portal_consent_account_id FOREIGN KEY (account_id) REFERENCES portal_account(id)
CONSTRAINT portal_consent fk_portal_consent_patient_id FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT portal_consent pk_portal_consent PRIMARY KEY (id)
CONSTRAINT portal_device pk_portal_device PRIMARY KEY (id)
CONSTRAINT portal_device uq_portal_device_token_hash UNIQUE (token_hash)
CONSTRAINT portal_schedule ck_portal_schedule_order CHECK ((starts_at < ends_at))
CONSTRAINT portal_schedule ck_portal_schedule_slot_minutes CHECK (((slot_minutes >= 5) AND (slot_minutes <= 240)))
CONSTRAINT portal_schedule ex_portal_schedule_practitioner EXCLUDE USING gist (numrange((hashtextextended((practitioner_id)::text, (1)::bigint))::numeric, (hashtextextended((practitioner_id)::text, (1)::bigint))::numeric, '[]'::text) WITH &&, tstzrange(starts_at, ends_at) WITH &&) WHERE ((closed_at IS NULL))
CONSTRAINT portal_schedule fk_portal_schedule_practitioner_id FOREIGN KEY (practitioner_id) REFERENCES kernel_staff_account(id)
CONSTRAINT portal_schedule pk_portal_schedule PRIMARY KEY (id)
CONSTRAINT portal_session fk_portal_session_account_id FOREIGN KEY (account_id) REFERENCES portal_account(id)
CONSTRAINT portal_session fk_portal_session_device_id FOREIGN KEY (device_id) REFERENCES portal_device(id)
CONSTRAINT portal_session pk_portal_session PRIMARY KEY (id)
CONSTRAINT portal_session uq_portal_session_token_hash UNIQUE (token_hash)
CONSTRAINT portal_slot ck_portal_slot_capacity CHECK ((capacity > 0))
CONSTRAINT portal_slot ck_portal_slot_taken CHECK (((taken >= 0) AND (taken <= capacity)))
CONSTRAINT portal_slot fk_portal_slot_schedule_id FOREIGN KEY (schedule_id) REFERENCES portal_schedule(id)
CONSTRAINT portal_slot pk_portal_slot PRIMARY KEY (id)
CONSTRAINT portal_slot uq_portal_slot_schedule_id_starts_at UNIQUE (schedule_id, starts_at)
CONSTRAINT portal_telehealth_request ck_portal_telehealth_request_price CHECK ((price > 0))
CONSTRAINT portal_telehealth_request ck_portal_telehealth_request_refused_with_reason CHECK (((state <> 'REFUSED'::text) OR (length(answer) > 0)))
CONSTRAINT portal_telehealth_request ck_portal_telehealth_request_remote_mode CHECK ((remote_mode = ANY (ARRAY['DIRECT_TO_PATIENT'::text, 'VIA_RECEIVING_FACILITY'::text, 'INTER_FACILITY_SUPPORT'::text, 'TELECONSULT_MDT'::text])))
CONSTRAINT portal_telehealth_request ck_portal_telehealth_request_state CHECK ((state = ANY (ARRAY['ASKED'::text, 'ACCEPTED'::text, 'REFUSED'::text, 'WITHDRAWN'::text])))
CONSTRAINT portal_telehealth_request fk_portal_telehealth_request_account_id FOREIGN KEY (account_id) REFERENCES portal_account(id)
CONSTRAINT portal_telehealth_request fk_portal_telehealth_request_answered_by FOREIGN KEY (answered_by) REFERENCES kernel_staff_account(id)
CONSTRAINT portal_telehealth_request fk_portal_telehealth_request_patient_id FOREIGN KEY (patient_id) REFERENCES emr_patient(id)
CONSTRAINT portal_telehealth_request pk_portal_telehealth_request PRIMARY KEY (id)
CONSTRAINT signing_archived ck_signing_archived_level CHECK ((level = ANY (ARRAY['B-LT'::text, 'B-LTA'::text])))
CONSTRAINT signing_archived ck_signing_archived_sha256 CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text))
CONSTRAINT signing_archived fk_signing_archived_document_id FOREIGN KEY (document_id) REFERENCES signing_document(id)
CONSTRAINT signing_archived pk_signing_archived PRIMARY KEY (sha256)
CONSTRAINT signing_certificate ck_signing_certificate_key_kind CHECK ((key_kind = ANY (ARRAY['PKCS12'::text, 'PKCS11'::text, 'CSC'::text, 'TOKEN'::text])))
CONSTRAINT signing_certificate ck_signing_certificate_owner CHECK (((owner_kind = 'STAFF'::text) = (staff_id IS NOT NULL)))
CONSTRAINT signing_certificate ck_signing_certificate_owner_kind CHECK ((owner_kind = ANY (ARRAY['STAFF'::text, 'ORGANISATION'::text])))
CONSTRAINT signing_certificate ck_signing_certificate_revoked CHECK (((revoked_at IS NULL) OR (state = 'REVOKED'::text)))
CONSTRAINT signing_certificate ck_signing_certificate_standing CHECK (((standing IS NULL) OR (standing = ANY (ARRAY['GOOD'::text, 'REVOKED'::text, 'UNKNOWN'::text, 'UNREACHABLE'::text]))))
CONSTRAINT signing_certificate ck_signing_certificate_state CHECK ((state = ANY (ARRAY['ACTIVE'::text, 'RETIRED'::text, 'REVOKED'::text])))
CONSTRAINT signing_certificate fk_signing_certificate_staff_id FOREIGN KEY (staff_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_certificate pk_signing_certificate PRIMARY KEY (id)
CONSTRAINT signing_certificate uq_signing_certificate_fingerprint UNIQUE (fingerprint)
CONSTRAINT signing_certificate_notice ck_signing_certificate_notice_kind CHECK ((kind = ANY (ARRAY['DAYS_60'::text, 'DAYS_30'::text, 'DAYS_7'::text, 'ENDED'::text, 'REVOKED'::text])))
CONSTRAINT signing_certificate_notice fk_signing_certificate_notice_certificate_id FOREIGN KEY (certificate_id) REFERENCES signing_certificate(id)
CONSTRAINT signing_certificate_notice pk_signing_certificate_notice PRIMARY KEY (id)
CONSTRAINT signing_certificate_notice uq_signing_certificate_notice_certificate_id_kind UNIQUE (certificate_id, kind)
CONSTRAINT signing_delegation ck_signing_delegation_another CHECK ((giver_id <> taker_id))
CONSTRAINT signing_delegation ck_signing_delegation_capacity CHECK ((capacity = ANY (ARRAY['KT'::text, 'TL'::text])))
CONSTRAINT signing_delegation ck_signing_delegation_ended CHECK (((ended_at IS NULL) = (ended_by IS NULL)))
CONSTRAINT signing_delegation ck_signing_delegation_order CHECK ((ends_at > starts_at))
CONSTRAINT signing_delegation ck_signing_delegation_role CHECK ((role = ANY (ARRAY['head'::text, 'director'::text])))
CONSTRAINT signing_delegation fk_signing_delegation_giver_id FOREIGN KEY (giver_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_delegation fk_signing_delegation_taker_id FOREIGN KEY (taker_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_delegation pk_signing_delegation PRIMARY KEY (id)
CONSTRAINT signing_document ck_signing_document_completed CHECK (((state = ANY (ARRAY['ISSUED'::text, 'SUPERSEDED'::text])) OR (completed_at IS NULL)))
CONSTRAINT signing_document ck_signing_document_pages CHECK ((pages > 0))
CONSTRAINT signing_document ck_signing_document_sha256 CHECK (((base_sha256 ~ '^[0-9a-f]{64}$'::text) AND (head_sha256 ~ '^[0-9a-f]{64}$'::text)))
CONSTRAINT signing_document ck_signing_document_state CHECK ((state = ANY (ARRAY['PENDING'::text, 'ISSUED'::text, 'REFUSED'::text, 'RECALLED'::text, 'SUPERSEDED'::text])))
CONSTRAINT signing_document fk_signing_document_supersedes FOREIGN KEY (supersedes) REFERENCES signing_document(id)
CONSTRAINT signing_document pk_signing_document PRIMARY KEY (id)
CONSTRAINT signing_document uq_signing_document_code UNIQUE (code)
CONSTRAINT signing_enrolment ck_signing_enrolment_algorithm CHECK ((algorithm = ANY (ARRAY['RSA_2048'::text, 'RSA_3072'::text, 'EC_P256'::text])))
CONSTRAINT signing_enrolment ck_signing_enrolment_ended CHECK ((((state = 'REQUESTED'::text) = (ended_at IS NULL)) AND ((ended_at IS NULL) = (ended_by IS NULL))))
CONSTRAINT signing_enrolment ck_signing_enrolment_issued CHECK (((state = 'ISSUED'::text) = (certificate_id IS NOT NULL)))
CONSTRAINT signing_enrolment ck_signing_enrolment_key_kind CHECK ((key_kind = ANY (ARRAY['PKCS12'::text, 'PKCS11'::text])))
CONSTRAINT signing_enrolment ck_signing_enrolment_owner CHECK (((owner_kind = 'STAFF'::text) = (staff_id IS NOT NULL)))
CONSTRAINT signing_enrolment ck_signing_enrolment_owner_kind CHECK ((owner_kind = ANY (ARRAY['STAFF'::text, 'ORGANISATION'::text])))
CONSTRAINT signing_enrolment ck_signing_enrolment_reason CHECK (((state <> 'CANCELLED'::text) OR (reason <> ''::text)))
CONSTRAINT signing_enrolment ck_signing_enrolment_state CHECK ((state = ANY (ARRAY['REQUESTED'::text, 'ISSUED'::text, 'CANCELLED'::text])))
CONSTRAINT signing_enrolment fk_signing_enrolment_certificate_id FOREIGN KEY (certificate_id) REFERENCES signing_certificate(id)
CONSTRAINT signing_enrolment fk_signing_enrolment_staff_id FOREIGN KEY (staff_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_enrolment pk_signing_enrolment PRIMARY KEY (id)
CONSTRAINT signing_enrolment uq_signing_enrolment_public_key UNIQUE (public_key)
CONSTRAINT signing_handover fk_signing_handover_by_id FOREIGN KEY (by_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_handover fk_signing_handover_from_id FOREIGN KEY (from_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_handover fk_signing_handover_slot_id FOREIGN KEY (slot_id) REFERENCES signing_slot(id)
CONSTRAINT signing_handover fk_signing_handover_to_id FOREIGN KEY (to_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_handover pk_signing_handover PRIMARY KEY (id)
CONSTRAINT signing_identity_check ck_signing_identity_check_sha256 CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text))
CONSTRAINT signing_identity_check fk_signing_identity_check_document_id FOREIGN KEY (document_id) REFERENCES signing_document(id)
CONSTRAINT signing_identity_check fk_signing_identity_check_sitting_id FOREIGN KEY (sitting_id) REFERENCES signing_sitting(id)
CONSTRAINT signing_identity_check pk_signing_identity_check PRIMARY KEY (id)
CONSTRAINT signing_identity_check uq_signing_identity_check_transaction_code UNIQUE (transaction_code)
CONSTRAINT signing_phone_code ck_signing_phone_code_purpose CHECK ((purpose = ANY (ARRAY['PROVE'::text, 'SIGN'::text])))
CONSTRAINT signing_phone_code ck_signing_phone_code_tries CHECK ((tries >= 0))
CONSTRAINT signing_phone_code fk_signing_phone_code_sitting_id FOREIGN KEY (sitting_id) REFERENCES signing_sitting(id)
CONSTRAINT signing_phone_code pk_signing_phone_code PRIMARY KEY (id)
CONSTRAINT signing_pin_tries fk_signing_pin_tries_staff_id FOREIGN KEY (staff_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_pin_tries pk_signing_pin_tries PRIMARY KEY (staff_id)
CONSTRAINT signing_policy ck_signing_policy_key_kinds CHECK (((cardinality(key_kinds) > 0) AND (key_kinds <@ ARRAY['PKCS12'::text, 'PKCS11'::text, 'CSC'::text, 'TOKEN'::text])))
CONSTRAINT signing_policy ck_signing_policy_owner CHECK (((staff_id IS NULL) OR (owner_kind = 'STAFF'::text)))
CONSTRAINT signing_policy ck_signing_policy_owner_kind CHECK ((owner_kind = ANY (ARRAY['STAFF'::text, 'ORGANISATION'::text])))
CONSTRAINT signing_policy fk_signing_policy_staff_id FOREIGN KEY (staff_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_policy pk_signing_policy PRIMARY KEY (id)
CONSTRAINT signing_public_try pk_signing_public_try PRIMARY KEY (source)
CONSTRAINT signing_refusal fk_signing_refusal_document_id FOREIGN KEY (document_id) REFERENCES signing_document(id)
CONSTRAINT signing_refusal fk_signing_refusal_refused_by FOREIGN KEY (refused_by) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_refusal fk_signing_refusal_slot_id FOREIGN KEY (slot_id) REFERENCES signing_slot(id)
CONSTRAINT signing_refusal pk_signing_refusal PRIMARY KEY (id)
CONSTRAINT signing_rehearsal fk_signing_rehearsal_certificate_id FOREIGN KEY (certificate_id) REFERENCES signing_certificate(id)
CONSTRAINT signing_rehearsal fk_signing_rehearsal_staff_id FOREIGN KEY (staff_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_rehearsal pk_signing_rehearsal PRIMARY KEY (id)
CONSTRAINT signing_release fk_signing_release_released_by FOREIGN KEY (released_by) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_release fk_signing_release_slot_id FOREIGN KEY (slot_id) REFERENCES signing_slot(id)
CONSTRAINT signing_release pk_signing_release PRIMARY KEY (id)
CONSTRAINT signing_release uq_signing_release_slot_id UNIQUE (slot_id)
CONSTRAINT signing_reminder ck_signing_reminder_step CHECK ((step > 0))
CONSTRAINT signing_reminder fk_signing_reminder_slot_id FOREIGN KEY (slot_id) REFERENCES signing_slot(id)
CONSTRAINT signing_reminder fk_signing_reminder_to_id FOREIGN KEY (to_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_reminder pk_signing_reminder PRIMARY KEY (id)
CONSTRAINT signing_reminder uq_signing_reminder_slot_id_step UNIQUE (slot_id, step)
CONSTRAINT signing_remote ck_signing_remote_ended CHECK (((state = ANY (ARRAY['SIGNED'::text, 'CANCELLED'::text, 'TIMED_OUT'::text, 'FAILED'::text])) = (ended_at IS NOT NULL)))
CONSTRAINT signing_remote ck_signing_remote_method CHECK ((method = ANY (ARRAY['PKI_REMOTE_CSC'::text, 'PKI_TOKEN_AGENT'::text])))
CONSTRAINT signing_remote ck_signing_remote_state CHECK (((state = ANY (ARRAY['PREPARED'::text, 'WAITING'::text])) OR (state = ANY (ARRAY['SIGNED'::text, 'CANCELLED'::text, 'TIMED_OUT'::text, 'FAILED'::text]))))
CONSTRAINT signing_remote fk_signing_remote_certificate_id FOREIGN KEY (certificate_id) REFERENCES signing_certificate(id)
CONSTRAINT signing_remote fk_signing_remote_staff_id FOREIGN KEY (staff_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_remote pk_signing_remote PRIMARY KEY (id)
CONSTRAINT signing_remote uq_signing_remote_method_reference UNIQUE (method, reference)
CONSTRAINT signing_remote_item ck_signing_remote_item_prepared CHECK (((state = 'WAITING'::text) = (prepared IS NOT NULL)))
CONSTRAINT signing_remote_item ck_signing_remote_item_state CHECK ((state = ANY (ARRAY['WAITING'::text, 'SIGNED'::text, 'SKIPPED'::text, 'FAILED'::text])))
CONSTRAINT signing_remote_item fk_signing_remote_item_document_id FOREIGN KEY (document_id) REFERENCES signing_document(id)
CONSTRAINT signing_remote_item fk_signing_remote_item_sitting_id FOREIGN KEY (sitting_id) REFERENCES signing_remote(id)
CONSTRAINT signing_remote_item pk_signing_remote_item PRIMARY KEY (sitting_id, document_id)
CONSTRAINT signing_signature ck_signing_signature_capacity CHECK ((capacity = ANY (ARRAY['OWN'::text, 'KT'::text, 'TL'::text, 'DUTY'::text])))
CONSTRAINT signing_signature ck_signing_signature_level CHECK ((level = ANY (ARRAY['B-B'::text, 'B-T'::text])))
CONSTRAINT signing_signature ck_signing_signature_on_behalf_of CHECK (((capacity = 'OWN'::text) OR (on_behalf_of <> ''::text)))
CONSTRAINT signing_signature ck_signing_signature_signer_kind CHECK ((signer_kind = ANY (ARRAY['STAFF'::text, 'ORGANISATION'::text, 'PATIENT'::text, 'REPRESENTATIVE'::text, 'WITNESSES'::text])))
CONSTRAINT signing_signature ck_signing_signature_standing CHECK ((standing = ANY (ARRAY['GOOD'::text, 'UNKNOWN'::text, 'UNREACHABLE'::text])))
CONSTRAINT signing_signature ck_signing_signature_version CHECK ((version > 0))
CONSTRAINT signing_signature fk_signing_signature_asked_id FOREIGN KEY (asked_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_signature fk_signing_signature_certificate_id FOREIGN KEY (certificate_id) REFERENCES signing_certificate(id)
CONSTRAINT signing_signature fk_signing_signature_document_id FOREIGN KEY (document_id) REFERENCES signing_document(id)
CONSTRAINT signing_signature fk_signing_signature_signer_id FOREIGN KEY (signer_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_signature fk_signing_signature_slot_id FOREIGN KEY (slot_id) REFERENCES signing_slot(id)
CONSTRAINT signing_signature pk_signing_signature PRIMARY KEY (id)
CONSTRAINT signing_signature uq_signing_signature_slot_id UNIQUE (slot_id)
CONSTRAINT signing_sitting ck_signing_sitting_absence CHECK ((absence = ANY (ARRAY['NO_RELATIVE'::text, 'CANNOT_SIGN'::text, 'WILL_NOT_SIGN'::text])))
CONSTRAINT signing_sitting ck_signing_sitting_absent CHECK (((kind = 'ABSENCE'::text) = (absence IS NOT NULL)))
CONSTRAINT signing_sitting ck_signing_sitting_device CHECK (((device_hash IS NULL) = (joined_at IS NULL)))
CONSTRAINT signing_sitting ck_signing_sitting_kind CHECK ((kind = ANY (ARRAY['TABLET'::text, 'ABSENCE'::text, 'PAPER'::text])))
CONSTRAINT signing_sitting ck_signing_sitting_method CHECK ((method = ANY (ARRAY['DRAWN'::text, 'FINGERPRINT'::text, 'OTP'::text, 'NATIONAL_ID'::text, 'WITNESSED'::text, 'PAPER'::text])))
CONSTRAINT signing_sitting ck_signing_sitting_reason CHECK (((absence IS NULL) OR (length(reason) >= 3)))
CONSTRAINT signing_sitting ck_signing_sitting_relation CHECK ((((signer_kind = 'REPRESENTATIVE'::text) = (relation <> ''::text)) AND ((relation <> ''::text) = (standing IS NOT NULL))))
CONSTRAINT signing_sitting ck_signing_sitting_signed CHECK (((state = ANY (ARRAY['SIGNED'::text, 'SEALED'::text])) <= (method IS NOT NULL)))
CONSTRAINT signing_sitting ck_signing_sitting_signer_kind CHECK ((signer_kind = ANY (ARRAY['PATIENT'::text, 'REPRESENTATIVE'::text])))
CONSTRAINT signing_sitting ck_signing_sitting_standing CHECK ((standing = ANY (ARRAY['MINOR'::text, 'INCAPACITATED'::text, 'UNCONSCIOUS'::text, 'AUTHORISED'::text])))
CONSTRAINT signing_sitting ck_signing_sitting_state CHECK ((state = ANY (ARRAY['OPEN'::text, 'SHOWN'::text, 'SIGNED'::text, 'SEALED'::text, 'REFUSED'::text, 'EXPIRED'::text, 'CANCELLED'::text])))
CONSTRAINT signing_sitting fk_signing_sitting_opened_by FOREIGN KEY (opened_by) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_sitting fk_signing_sitting_phone_id FOREIGN KEY (phone_id) REFERENCES signing_verified_phone(id)
CONSTRAINT signing_sitting pk_signing_sitting PRIMARY KEY (id)
CONSTRAINT signing_sitting uq_signing_sitting_code_hash UNIQUE (code_hash)
CONSTRAINT signing_sitting_document ck_signing_sitting_document_bundle_sha256 CHECK ((bundle_sha256 ~ '^[0-9a-f]{64}$'::text))
CONSTRAINT signing_sitting_document ck_signing_sitting_document_sealed CHECK (((sealed_at IS NULL) OR (signed_at IS NOT NULL)))
CONSTRAINT signing_sitting_document ck_signing_sitting_document_sha256 CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text))
CONSTRAINT signing_sitting_document ck_signing_sitting_document_signed CHECK (((bundle_sha256 IS NULL) = (signed_at IS NULL)))
CONSTRAINT signing_sitting_document fk_signing_sitting_document_document_id FOREIGN KEY (document_id) REFERENCES signing_document(id)
CONSTRAINT signing_sitting_document fk_signing_sitting_document_sitting_id FOREIGN KEY (sitting_id) REFERENCES signing_sitting(id)
CONSTRAINT signing_sitting_document fk_signing_sitting_document_slot_id FOREIGN KEY (slot_id) REFERENCES signing_slot(id)
CONSTRAINT signing_sitting_document pk_signing_sitting_document PRIMARY KEY (sitting_id, document_id)
CONSTRAINT signing_sitting_document uq_signing_sitting_document_sitting_id_position UNIQUE (sitting_id, "position")
CONSTRAINT signing_sitting_witness fk_signing_sitting_witness_certificate_id FOREIGN KEY (certificate_id) REFERENCES signing_certificate(id)
CONSTRAINT signing_sitting_witness fk_signing_sitting_witness_sitting_id FOREIGN KEY (sitting_id) REFERENCES signing_sitting(id)
CONSTRAINT signing_sitting_witness fk_signing_sitting_witness_staff_id FOREIGN KEY (staff_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_sitting_witness pk_signing_sitting_witness PRIMARY KEY (sitting_id, staff_id)
CONSTRAINT signing_slot ck_signing_slot_owner CHECK ((((owner_kind = 'PERSON'::text) = (owner_id IS NOT NULL)) AND ((owner_kind = 'ROLE'::text) = (owner_role IS NOT NULL))))
CONSTRAINT signing_slot ck_signing_slot_owner_kind CHECK ((owner_kind = ANY (ARRAY['PERSON'::text, 'ROLE'::text, 'PATIENT'::text, 'ORGANISATION'::text])))
CONSTRAINT signing_slot ck_signing_slot_signed CHECK (((state = 'SIGNED'::text) = (signed_at IS NOT NULL)))
CONSTRAINT signing_slot ck_signing_slot_state CHECK ((state = ANY (ARRAY['WAITING'::text, 'SIGNED'::text, 'REFUSED'::text, 'CANCELLED'::text])))
CONSTRAINT signing_slot fk_signing_slot_asked_id FOREIGN KEY (asked_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_slot fk_signing_slot_document_id FOREIGN KEY (document_id) REFERENCES signing_document(id)
CONSTRAINT signing_slot fk_signing_slot_owner_id FOREIGN KEY (owner_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_slot pk_signing_slot PRIMARY KEY (id)
CONSTRAINT signing_slot uq_signing_slot_document_id_field UNIQUE (document_id, field)
CONSTRAINT signing_slot uq_signing_slot_document_id_position UNIQUE (document_id, "position")
CONSTRAINT signing_unlocked_key fk_signing_unlocked_key_certificate_id FOREIGN KEY (certificate_id) REFERENCES signing_certificate(id)
CONSTRAINT signing_unlocked_key fk_signing_unlocked_key_session_id FOREIGN KEY (session_id) REFERENCES kernel_staff_session(id) ON DELETE CASCADE
CONSTRAINT signing_unlocked_key fk_signing_unlocked_key_staff_id FOREIGN KEY (staff_id) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_unlocked_key pk_signing_unlocked_key PRIMARY KEY (token_hash)
CONSTRAINT signing_verdict pk_signing_verdict PRIMARY KEY (sha256)
CONSTRAINT signing_verified_phone fk_signing_verified_phone_verified_by FOREIGN KEY (verified_by) REFERENCES kernel_staff_account(id)
CONSTRAINT signing_verified_phone pk_signing_verified_phone PRIMARY KEY (id)
INDEX CREATE UNIQUE INDEX alembic_version_pkc ON public.alembic_version USING btree (version_num)
INDEX CREATE INDEX ex_emr_bed_use_bed_during ON public.emr_bed_use USING gist (int4range(bed_number, bed_number, '[]'::text), during)
INDEX CREATE INDEX ex_portal_schedule_practitioner ON public.portal_schedule USING gist (numrange((hashtextextended((practitioner_id)::text, (1)::bigint))::numeric, (hashtextextended((practitioner_id)::text, (1)::bigint))::numeric, '[]'::text), tstzrange(starts_at, ends_at)) WHERE (closed_at IS NULL)
INDEX CREATE INDEX ix_billing_account_due ON public.billing_account USING btree (opened_at) WHERE (due > 0)
INDEX CREATE INDEX ix_billing_account_patient_id ON public.billing_account USING btree (patient_id)
INDEX CREATE INDEX ix_billing_allocation_request_id ON public.billing_allocation USING btree (request_id)
INDEX CREATE INDEX ix_billing_bank_transaction_open ON public.billing_bank_transaction USING btree (received_at) WHERE (state = ANY (ARRAY['RECEIVED'::text, 'UNMATCHED'::text, 'AMBIGUOUS'::text]))
INDEX CREATE INDEX ix_billing_charge_account_id ON public.billing_charge USING btree (account_id)
INDEX CREATE INDEX ix_billing_evidence_transaction_id ON public.billing_evidence USING btree (transaction_id)
INDEX CREATE INDEX ix_billing_invoice_created_at ON public.billing_invoice USING btree (created_at)
INDEX CREATE INDEX ix_billing_invoice_due_day ON public.billing_invoice_due USING btree (day)
INDEX CREATE INDEX ix_billing_invoice_episode_episode_id ON public.billing_invoice_episode USING btree (episode_id)
INDEX CREATE INDEX ix_billing_invoice_event_invoice_id ON public.billing_invoice_event USING btree (invoice_id)
INDEX CREATE INDEX ix_billing_invoice_waiting ON public.billing_invoice USING btree (state) WHERE (state <> 'delivered'::text)
INDEX CREATE INDEX ix_billing_ledger_entry_account_id ON public.billing_ledger_entry USING btree (account_id)
INDEX CREATE INDEX ix_billing_ledger_entry_transaction_id ON public.billing_ledger_entry USING btree (transaction_id)
INDEX CREATE INDEX ix_billing_ledger_posting_account_book ON public.billing_ledger_posting USING btree (account_id, book)
INDEX CREATE INDEX ix_billing_ledger_posting_entry_id ON public.billing_ledger_posting USING btree (entry_id)
INDEX CREATE INDEX ix_billing_notice_received_at ON public.billing_notice USING btree (received_at)
INDEX CREATE INDEX ix_billing_receipt_account_id ON public.billing_receipt USING btree (account_id)
INDEX CREATE INDEX ix_billing_receipt_episode_id ON public.billing_receipt USING btree (episode_id)
INDEX CREATE INDEX ix_billing_receipt_patient_id ON public.billing_receipt USING btree (patient_id, issued_at)
INDEX CREATE INDEX ix_billing_receipt_request_id ON public.billing_receipt USING btree (request_id)
INDEX CREATE INDEX ix_billing_refund_account_id ON public.billing_refund USING btree (account_id)
INDEX CREATE INDEX ix_billing_refund_open ON public.billing_refund USING btree (requested_at) WHERE (state = ANY (ARRAY['REQUESTED'::text, 'APPROVED'::text, 'SENT'::text]))
INDEX CREATE INDEX ix_billing_request_account_id ON public.billing_request USING btree (account_id, created_at)
INDEX CREATE INDEX ix_billing_request_charge_charge_id ON public.billing_request_charge USING btree (charge_id)
INDEX CREATE INDEX ix_billing_request_counter ON public.billing_request USING btree (counter, created_at)
INDEX CREATE INDEX ix_billing_request_pending ON public.billing_request USING btree (expires_at) WHERE (state = 'PENDING'::text)
INDEX CREATE INDEX ix_emr_bed_department_code ON public.emr_bed USING btree (department_code)
INDEX CREATE INDEX ix_emr_bed_use_stay_id ON public.emr_bed_use USING btree (stay_id)
INDEX CREATE INDEX ix_emr_drug_words ON public.emr_drug USING gin (to_tsvector('simple'::regconfig, key))
INDEX CREATE INDEX ix_emr_duty_day ON public.emr_duty USING btree (day)
INDEX CREATE INDEX ix_emr_emergency_access_open ON public.emr_emergency_access USING btree (opened_at) WHERE (reviewed_at IS NULL)
INDEX CREATE INDEX ix_emr_emergency_access_staff_patient ON public.emr_emergency_access USING btree (staff_id, patient_id, until)
INDEX CREATE INDEX ix_emr_episode_patient_id ON public.emr_episode USING btree (patient_id)
INDEX CREATE INDEX ix_emr_icd10_code_key ON public.emr_icd10 USING btree (code_key)
INDEX CREATE INDEX ix_emr_icd10_words ON public.emr_icd10 USING gin (to_tsvector('simple'::regconfig, key))
INDEX CREATE INDEX ix_emr_order_episode_id ON public.emr_order USING btree (episode_id)
INDEX CREATE INDEX ix_emr_order_patient_id_placed_at ON public.emr_order USING btree (patient_id, placed_at)
INDEX CREATE INDEX ix_emr_order_unapproved ON public.emr_order USING btree (placed_at) WHERE (state = 'REPORTED'::text)
INDEX CREATE INDEX ix_emr_order_visit_id ON public.emr_order USING btree (visit_id)
INDEX CREATE INDEX ix_emr_order_work ON public.emr_order USING btree (room_code, placed_at) WHERE (state = ANY (ARRAY['RELEASED'::text, 'DOING'::text]))
INDEX CREATE INDEX ix_emr_patient_birth_date ON public.emr_patient USING btree (birth_date)
INDEX CREATE INDEX ix_emr_patient_given_key_id ON public.emr_patient USING btree (given_key, id)
INDEX CREATE INDEX ix_emr_patient_identifier_value ON public.emr_patient_identifier USING btree (value)
INDEX CREATE INDEX ix_emr_patient_name_key_id ON public.emr_patient USING btree (name_key, id)
INDEX CREATE INDEX ix_emr_patient_name_pairs ON public.emr_patient USING gin (array_to_tsvector(name_pairs))
INDEX CREATE INDEX ix_emr_patient_phone_tail ON public.emr_patient USING btree (reverse(phone))
INDEX CREATE INDEX ix_emr_prescription_patient_id ON public.emr_prescription USING btree (patient_id)
INDEX CREATE INDEX ix_emr_prescription_visit_id ON public.emr_prescription USING btree (visit_id)
INDEX CREATE INDEX ix_emr_scan_patient ON public.emr_scan USING btree (patient_id, converted_at)
INDEX CREATE INDEX ix_emr_service_words ON public.emr_service USING gin (to_tsvector('simple'::regconfig, key))
INDEX CREATE INDEX ix_emr_sheet_diagnosis_visit_id ON public.emr_sheet_diagnosis USING btree (visit_id)
INDEX CREATE INDEX ix_emr_sheet_order_order_id ON public.emr_sheet_order USING btree (order_id)
INDEX CREATE INDEX ix_emr_sheet_patient_id_opened_at ON public.emr_sheet USING btree (patient_id, opened_at)
INDEX CREATE INDEX ix_emr_sheet_visit_id ON public.emr_sheet USING btree (visit_id)
INDEX CREATE INDEX ix_emr_stay_episode_id ON public.emr_stay USING btree (episode_id)
INDEX CREATE INDEX ix_emr_ticket_next ON public.emr_ticket USING btree (room_code, day, rank DESC, number) WHERE ((state = 'WAITING'::text) AND ready)
INDEX CREATE INDEX ix_emr_ticket_visit_id ON public.emr_ticket USING btree (visit_id)
INDEX CREATE INDEX ix_emr_visit_episode_id ON public.emr_visit USING btree (episode_id)
INDEX CREATE INDEX ix_emr_visit_insured ON public.emr_visit USING btree (opened_at) WHERE (payer = 'BHYT'::text)
INDEX CREATE INDEX ix_emr_visit_open ON public.emr_visit USING btree (room_code) WHERE (state = ANY (ARRAY['WAITING'::text, 'IN_PROGRESS'::text]))
INDEX CREATE INDEX ix_emr_visit_patient_id_opened_at ON public.emr_visit USING btree (patient_id, opened_at)
INDEX CREATE INDEX ix_emr_visit_room_code_opened_at ON public.emr_visit USING btree (room_code, opened_at)
INDEX CREATE INDEX ix_emr_vitals_patient_id_taken_at ON public.emr_vitals USING btree (patient_id, taken_at)
INDEX CREATE INDEX ix_emr_vitals_visit_id_taken_at ON public.emr_vitals USING btree (visit_id, taken_at)
INDEX CREATE INDEX ix_emr_ward_province_code ON public.emr_ward USING btree (province_code)
INDEX CREATE INDEX ix_kernel_audit_patient ON public.kernel_audit USING btree (patient_id, id)
INDEX CREATE INDEX ix_kernel_audit_subject ON public.kernel_audit USING btree (subject, id)
INDEX CREATE INDEX ix_kernel_audit_xid ON public.kernel_audit USING btree (xid)
INDEX CREATE INDEX ix_kernel_job_due ON public.kernel_job USING btree (run_at, id) WHERE (state = 'ready'::text)
INDEX CREATE INDEX ix_kernel_job_finished ON public.kernel_job USING btree (state, finished_at) WHERE (state <> ALL (ARRAY['ready'::text, 'leased'::text]))
INDEX CREATE INDEX ix_kernel_job_lane ON public.kernel_job USING btree (lane, id) WHERE (state = ANY (ARRAY['ready'::text, 'leased'::text]))
INDEX CREATE INDEX ix_kernel_job_leased ON public.kernel_job USING btree (lease_until) WHERE (state = 'leased'::text)
INDEX CREATE INDEX ix_kernel_staff_session_account_id ON public.kernel_staff_session USING btree (account_id)
INDEX CREATE INDEX ix_portal_booking_patient_id ON public.portal_booking USING btree (patient_id)
INDEX CREATE INDEX ix_portal_booking_slot_id ON public.portal_booking USING btree (slot_id)
INDEX CREATE INDEX ix_portal_code_request_ip_asked_at ON public.portal_code_request USING btree (ip, asked_at)
INDEX CREATE INDEX ix_portal_code_request_phone_asked_at ON public.portal_code_request USING btree (phone, asked_at)
INDEX CREATE INDEX ix_portal_code_request_step_hash ON public.portal_code_request USING btree (step_hash)
INDEX CREATE INDEX ix_portal_consent_patient_id_purpose_at ON public.portal_consent USING btree (patient_id, purpose, at)
INDEX CREATE INDEX ix_portal_device_phone ON public.portal_device USING btree (phone)
INDEX CREATE INDEX ix_portal_session_account_id ON public.portal_session USING btree (account_id)
INDEX CREATE INDEX ix_portal_slot_department_starts_at ON public.portal_slot USING btree (department, starts_at)
INDEX CREATE INDEX ix_signing_archived_document ON public.signing_archived USING btree (document_id, made_at)
INDEX CREATE INDEX ix_signing_delegation_taker ON public.signing_delegation USING btree (taker_id, ends_at)
INDEX CREATE INDEX ix_signing_document_head ON public.signing_document USING btree (head_sha256)
INDEX CREATE INDEX ix_signing_document_patient ON public.signing_document USING btree (patient_id, created_at)
INDEX CREATE INDEX ix_signing_document_subject ON public.signing_document USING btree (subject)
INDEX CREATE INDEX ix_signing_document_supersedes ON public.signing_document USING btree (supersedes)
INDEX CREATE INDEX ix_signing_handover_slot_id ON public.signing_handover USING btree (slot_id)
INDEX CREATE INDEX ix_signing_identity_check_sitting ON public.signing_identity_check USING btree (sitting_id)
INDEX CREATE INDEX ix_signing_phone_code_phone ON public.signing_phone_code USING btree (phone, asked_at)
INDEX CREATE INDEX ix_signing_phone_code_sitting ON public.signing_phone_code USING btree (sitting_id, asked_at)
INDEX CREATE INDEX ix_signing_public_try_last_at ON public.signing_public_try USING btree (last_at)
INDEX CREATE INDEX ix_signing_refusal_document_id ON public.signing_refusal USING btree (document_id)
INDEX CREATE INDEX ix_signing_rehearsal_staff ON public.signing_rehearsal USING btree (staff_id, made_at)
INDEX CREATE INDEX ix_signing_reminder_to_id ON public.signing_reminder USING btree (to_id)
INDEX CREATE INDEX ix_signing_remote_live ON public.signing_remote USING btree (expires_at) WHERE (state = ANY (ARRAY['PREPARED'::text, 'WAITING'::text]))
INDEX CREATE INDEX ix_signing_remote_staff ON public.signing_remote USING btree (staff_id, created_at)
INDEX CREATE INDEX ix_signing_signature_document ON public.signing_signature USING btree (document_id)
INDEX CREATE INDEX ix_signing_signature_signer ON public.signing_signature USING btree (signer_id, signed_at)
INDEX CREATE INDEX ix_signing_sitting_document_document ON public.signing_sitting_document USING btree (document_id)
INDEX CREATE INDEX ix_signing_sitting_patient ON public.signing_sitting USING btree (patient_id, opened_at)
INDEX CREATE INDEX ix_signing_sitting_state ON public.signing_sitting USING btree (state, expires_at)
INDEX CREATE INDEX ix_signing_slot_owed ON public.signing_slot USING btree (owner_id, open_since) WHERE ((state = 'WAITING'::text) AND (open_since IS NOT NULL))
INDEX CREATE INDEX ix_signing_slot_owed_by_role ON public.signing_slot USING btree (owner_role, owner_department, open_since) WHERE ((state = 'WAITING'::text) AND (open_since IS NOT NULL))
INDEX CREATE INDEX ix_signing_unlocked_key_session_id ON public.signing_unlocked_key USING btree (session_id)
INDEX CREATE INDEX ix_signing_unlocked_key_staff_id ON public.signing_unlocked_key USING btree (staff_id)
INDEX CREATE INDEX ix_signing_unlocked_key_used_at ON public.signing_unlocked_key USING btree (used_at)
INDEX CREATE INDEX ix_signing_verified_phone_patient ON public.signing_verified_phone USING btree (patient_id, phone)
INDEX CREATE UNIQUE INDEX pk_billing_account ON public.billing_account USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_allocation ON public.billing_allocation USING btree (transaction_id)
INDEX CREATE UNIQUE INDEX pk_billing_bank_transaction ON public.billing_bank_transaction USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_book ON public.billing_book USING btree (code, year)
INDEX CREATE UNIQUE INDEX pk_billing_charge ON public.billing_charge USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_counter ON public.billing_counter USING btree (code)
INDEX CREATE UNIQUE INDEX pk_billing_evidence ON public.billing_evidence USING btree (notice_id)
INDEX CREATE UNIQUE INDEX pk_billing_invoice ON public.billing_invoice USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_invoice_due ON public.billing_invoice_due USING btree (episode_id)
INDEX CREATE UNIQUE INDEX pk_billing_invoice_episode ON public.billing_invoice_episode USING btree (invoice_id, episode_id)
INDEX CREATE UNIQUE INDEX pk_billing_invoice_event ON public.billing_invoice_event USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_invoice_receipt ON public.billing_invoice_receipt USING btree (invoice_id, receipt_id)
INDEX CREATE UNIQUE INDEX pk_billing_invoice_series ON public.billing_invoice_series USING btree (kind, symbol)
INDEX CREATE UNIQUE INDEX pk_billing_invoice_wish ON public.billing_invoice_wish USING btree (episode_id)
INDEX CREATE UNIQUE INDEX pk_billing_ledger_entry ON public.billing_ledger_entry USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_ledger_posting ON public.billing_ledger_posting USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_match_proposal ON public.billing_match_proposal USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_notice ON public.billing_notice USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_paper ON public.billing_paper USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_price ON public.billing_price USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_receipt ON public.billing_receipt USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_reference_key ON public.billing_reference_key USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_refund ON public.billing_refund USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_request ON public.billing_request USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_request_charge ON public.billing_request_charge USING btree (request_id, charge_id)
INDEX CREATE UNIQUE INDEX pk_billing_screen ON public.billing_screen USING btree (id)
INDEX CREATE UNIQUE INDEX pk_billing_shift ON public.billing_shift USING btree (id)
INDEX CREATE UNIQUE INDEX pk_emr_bed ON public.emr_bed USING btree (code)
INDEX CREATE UNIQUE INDEX pk_emr_bed_use ON public.emr_bed_use USING btree (id)
INDEX CREATE UNIQUE INDEX pk_emr_credit ON public.emr_credit USING btree (episode_id)
INDEX CREATE UNIQUE INDEX pk_emr_department ON public.emr_department USING btree (code)
INDEX CREATE UNIQUE INDEX pk_emr_drug ON public.emr_drug USING btree (code)
INDEX CREATE UNIQUE INDEX pk_emr_duty ON public.emr_duty USING btree (id)
INDEX CREATE UNIQUE INDEX pk_emr_emergency_access ON public.emr_emergency_access USING btree (id)
INDEX CREATE UNIQUE INDEX pk_emr_episode ON public.emr_episode USING btree (id)
INDEX CREATE UNIQUE INDEX pk_emr_ethnic_group ON public.emr_ethnic_group USING btree (code)
INDEX CREATE UNIQUE INDEX pk_emr_icd10 ON public.emr_icd10 USING btree (code)
INDEX CREATE UNIQUE INDEX pk_emr_icd10_pair ON public.emr_icd10_pair USING btree (dagger_code, asterisk_code)
INDEX CREATE UNIQUE INDEX pk_emr_order ON public.emr_order USING btree (id)
INDEX CREATE UNIQUE INDEX pk_emr_patient ON public.emr_patient USING btree (id)
INDEX CREATE UNIQUE INDEX pk_emr_patient_identifier ON public.emr_patient_identifier USING btree (patient_id, kind, value, recorded_at)
INDEX CREATE UNIQUE INDEX pk_emr_patient_version ON public.emr_patient_version USING btree (patient_id, revision)
INDEX CREATE UNIQUE INDEX pk_emr_prescription ON public.emr_prescription USING btree (sheet_id)
INDEX CREATE UNIQUE INDEX pk_emr_prescription_line ON public.emr_prescription_line USING btree (sheet_id, "position")
INDEX CREATE UNIQUE INDEX pk_emr_province ON public.emr_province USING btree (code)
INDEX CREATE UNIQUE INDEX pk_emr_queue_day ON public.emr_queue_day USING btree (room_code, day)
INDEX CREATE UNIQUE INDEX pk_emr_result ON public.emr_result USING btree (order_id, version)
INDEX CREATE UNIQUE INDEX pk_emr_room ON public.emr_room USING btree (code)
INDEX CREATE UNIQUE INDEX pk_emr_scan ON public.emr_scan USING btree (id)
INDEX CREATE UNIQUE INDEX pk_emr_service ON public.emr_service USING btree (code)
INDEX CREATE UNIQUE INDEX pk_emr_sheet ON public.emr_sheet USING btree (id)
INDEX CREATE UNIQUE INDEX pk_emr_sheet_diagnosis ON public.emr_sheet_diagnosis USING btree (sheet_id, "position")
INDEX CREATE UNIQUE INDEX pk_emr_sheet_order ON public.emr_sheet_order USING btree (sheet_id, order_id)
INDEX CREATE UNIQUE INDEX pk_emr_stay ON public.emr_stay USING btree (id)
INDEX CREATE UNIQUE INDEX pk_emr_ticket ON public.emr_ticket USING btree (id)
INDEX CREATE UNIQUE INDEX pk_emr_visit ON public.emr_visit USING btree (id)
INDEX CREATE UNIQUE INDEX pk_emr_vitals ON public.emr_vitals USING btree (id)
INDEX CREATE UNIQUE INDEX pk_emr_ward ON public.emr_ward USING btree (code)
INDEX CREATE UNIQUE INDEX pk_insurance_parameter ON public.insurance_parameter USING btree (key, valid_from)
INDEX CREATE UNIQUE INDEX pk_kernel_audit ON public.kernel_audit USING btree (id)
INDEX CREATE UNIQUE INDEX pk_kernel_audit_block ON public.kernel_audit_block USING btree (no)
INDEX CREATE UNIQUE INDEX pk_kernel_audit_checkpoint ON public.kernel_audit_checkpoint USING btree (day)
INDEX CREATE UNIQUE INDEX pk_kernel_job ON public.kernel_job USING btree (id)
INDEX CREATE UNIQUE INDEX pk_kernel_periodic ON public.kernel_periodic USING btree (kind)
INDEX CREATE UNIQUE INDEX pk_kernel_staff_account ON public.kernel_staff_account USING btree (id)
INDEX CREATE UNIQUE INDEX pk_kernel_staff_session ON public.kernel_staff_session USING btree (id)
INDEX CREATE UNIQUE INDEX pk_kiosk_arrival ON public.kiosk_arrival USING btree (id)
INDEX CREATE UNIQUE INDEX pk_kiosk_device ON public.kiosk_device USING btree (id)
INDEX CREATE UNIQUE INDEX pk_portal_account ON public.portal_account USING btree (id)
INDEX CREATE UNIQUE INDEX pk_portal_booking ON public.portal_booking USING btree (id)
INDEX CREATE UNIQUE INDEX pk_portal_code_request ON public.portal_code_request USING btree (id)
INDEX CREATE UNIQUE INDEX pk_portal_consent ON public.portal_consent USING btree (id)
INDEX CREATE UNIQUE INDEX pk_portal_device ON public.portal_device USING btree (id)
INDEX CREATE UNIQUE INDEX pk_portal_schedule ON public.portal_schedule USING btree (id)
INDEX CREATE UNIQUE INDEX pk_portal_session ON public.portal_session USING btree (id)
INDEX CREATE UNIQUE INDEX pk_portal_slot ON public.portal_slot USING btree (id)
INDEX CREATE UNIQUE INDEX pk_portal_telehealth_request ON public.portal_telehealth_request USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_archived ON public.signing_archived USING btree (sha256)
INDEX CREATE UNIQUE INDEX pk_signing_certificate ON public.signing_certificate USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_certificate_notice ON public.signing_certificate_notice USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_delegation ON public.signing_delegation USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_document ON public.signing_document USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_enrolment ON public.signing_enrolment USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_handover ON public.signing_handover USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_identity_check ON public.signing_identity_check USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_phone_code ON public.signing_phone_code USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_pin_tries ON public.signing_pin_tries USING btree (staff_id)
INDEX CREATE UNIQUE INDEX pk_signing_policy ON public.signing_policy USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_public_try ON public.signing_public_try USING btree (source)
INDEX CREATE UNIQUE INDEX pk_signing_refusal ON public.signing_refusal USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_rehearsal ON public.signing_rehearsal USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_release ON public.signing_release USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_reminder ON public.signing_reminder USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_remote ON public.signing_remote USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_remote_item ON public.signing_remote_item USING btree (sitting_id, document_id)
INDEX CREATE UNIQUE INDEX pk_signing_signature ON public.signing_signature USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_sitting ON public.signing_sitting USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_sitting_document ON public.signing_sitting_document USING btree (sitting_id, document_id)
INDEX CREATE UNIQUE INDEX pk_signing_sitting_witness ON public.signing_sitting_witness USING btree (sitting_id, staff_id)
INDEX CREATE UNIQUE INDEX pk_signing_slot ON public.signing_slot USING btree (id)
INDEX CREATE UNIQUE INDEX pk_signing_unlocked_key ON public.signing_unlocked_key USING btree (token_hash)
INDEX CREATE UNIQUE INDEX pk_signing_verdict ON public.signing_verdict USING btree (sha256)
INDEX CREATE UNIQUE INDEX pk_signing_verified_phone ON public.signing_verified_phone USING btree (id)
INDEX CREATE UNIQUE INDEX uq_billing_account_episode_id ON public.billing_account USING btree (episode_id)
INDEX CREATE UNIQUE INDEX uq_billing_bank_transaction_bank_reference ON public.billing_bank_transaction USING btree (account, bank_reference, amount, direction) WHERE (bank_reference <> ''::text)
INDEX CREATE UNIQUE INDEX uq_billing_charge_order_id ON public.billing_charge USING btree (order_id) WHERE (voided_at IS NULL)
INDEX CREATE UNIQUE INDEX uq_billing_evidence_provider_txn_id ON public.billing_evidence USING btree (provider, txn_id)
INDEX CREATE UNIQUE INDEX uq_billing_invoice_number ON public.billing_invoice USING btree (kind, symbol, number)
INDEX CREATE UNIQUE INDEX uq_billing_invoice_receipt_live ON public.billing_invoice_receipt USING btree (receipt_id) WHERE live
INDEX CREATE UNIQUE INDEX uq_billing_ledger_entry_reverses_id ON public.billing_ledger_entry USING btree (reverses_id)
INDEX CREATE UNIQUE INDEX uq_billing_match_proposal_open ON public.billing_match_proposal USING btree (transaction_id) WHERE (state = 'PROPOSED'::text)
INDEX CREATE UNIQUE INDEX uq_billing_paper_kind_subject_id ON public.billing_paper USING btree (kind, subject_id)
INDEX CREATE UNIQUE INDEX uq_billing_price_service_code_kind_valid_from ON public.billing_price USING btree (service_code, kind, valid_from)
INDEX CREATE UNIQUE INDEX uq_billing_receipt_book_year_sequence ON public.billing_receipt USING btree (book, year, sequence)
INDEX CREATE UNIQUE INDEX uq_billing_receipt_entry_id ON public.billing_receipt USING btree (entry_id)
INDEX CREATE UNIQUE INDEX uq_billing_refund_entry_id ON public.billing_refund USING btree (entry_id)
INDEX CREATE UNIQUE INDEX uq_billing_request_reference ON public.billing_request USING btree (reference)
INDEX CREATE UNIQUE INDEX uq_billing_screen_code ON public.billing_screen USING btree (code) WHERE (paired_at IS NULL)
INDEX CREATE UNIQUE INDEX uq_billing_screen_token_hash ON public.billing_screen USING btree (token_hash)
INDEX CREATE UNIQUE INDEX uq_billing_shift_cashier ON public.billing_shift USING btree (cashier_id) WHERE (closed_at IS NULL)
INDEX CREATE UNIQUE INDEX uq_billing_shift_counter ON public.billing_shift USING btree (counter) WHERE (closed_at IS NULL)
INDEX CREATE UNIQUE INDEX uq_emr_bed_number ON public.emr_bed USING btree (number)
INDEX CREATE UNIQUE INDEX uq_emr_duty_staff_id_kind_department_code_starts_at ON public.emr_duty USING btree (staff_id, kind, department_code, starts_at)
INDEX CREATE UNIQUE INDEX uq_emr_episode_code ON public.emr_episode USING btree (code)
INDEX CREATE UNIQUE INDEX uq_emr_order_number ON public.emr_order USING btree (number)
INDEX CREATE UNIQUE INDEX uq_emr_patient_code ON public.emr_patient USING btree (code)
INDEX CREATE UNIQUE INDEX uq_emr_patient_identifier_kind_value ON public.emr_patient_identifier USING btree (kind, value) WHERE (active AND (kind <> 'OLD_ID'::text))
INDEX CREATE UNIQUE INDEX uq_emr_prescription_code ON public.emr_prescription USING btree (code)
INDEX CREATE UNIQUE INDEX uq_emr_result_id ON public.emr_result USING btree (id)
INDEX CREATE UNIQUE INDEX uq_emr_scan_document_id ON public.emr_scan USING btree (document_id)
INDEX CREATE UNIQUE INDEX uq_emr_sheet_code ON public.emr_sheet USING btree (code)
INDEX CREATE UNIQUE INDEX uq_emr_sheet_document_id ON public.emr_sheet USING btree (document_id) WHERE (document_id IS NOT NULL)
INDEX CREATE UNIQUE INDEX uq_emr_sheet_supersedes ON public.emr_sheet USING btree (supersedes) WHERE (state <> 'CANCELLED'::text)
INDEX CREATE UNIQUE INDEX uq_emr_stay_number ON public.emr_stay USING btree (number)
INDEX CREATE UNIQUE INDEX uq_emr_stay_patient_open ON public.emr_stay USING btree (patient_id) WHERE (state = 'OPEN'::text)
INDEX CREATE UNIQUE INDEX uq_emr_ticket_room_code_day_number ON public.emr_ticket USING btree (room_code, day, number)
INDEX CREATE UNIQUE INDEX uq_emr_visit_number ON public.emr_visit USING btree (number)
INDEX CREATE UNIQUE INDEX uq_kernel_audit_block_epoch_from_xid ON public.kernel_audit_block USING btree (epoch, from_xid)
INDEX CREATE UNIQUE INDEX uq_kernel_job_kind_key ON public.kernel_job USING btree (kind, key)
INDEX CREATE UNIQUE INDEX uq_kernel_staff_account_username ON public.kernel_staff_account USING btree (username)
INDEX CREATE UNIQUE INDEX uq_kernel_staff_session_token_hash ON public.kernel_staff_session USING btree (token_hash)
INDEX CREATE UNIQUE INDEX uq_kiosk_device_pairing_hash ON public.kiosk_device USING btree (pairing_hash)
INDEX CREATE UNIQUE INDEX uq_kiosk_device_token_hash ON public.kiosk_device USING btree (token_hash)
INDEX CREATE UNIQUE INDEX uq_portal_account_patient_id ON public.portal_account USING btree (patient_id)
INDEX CREATE UNIQUE INDEX uq_portal_booking_code ON public.portal_booking USING btree (code)
INDEX CREATE UNIQUE INDEX uq_portal_booking_patient_day_department ON public.portal_booking USING btree (patient_id, day, department) WHERE (state <> 'CANCELLED'::text)
INDEX CREATE UNIQUE INDEX uq_portal_device_token_hash ON public.portal_device USING btree (token_hash)
INDEX CREATE UNIQUE INDEX uq_portal_session_token_hash ON public.portal_session USING btree (token_hash)
INDEX CREATE UNIQUE INDEX uq_portal_slot_schedule_id_starts_at ON public.portal_slot USING btree (schedule_id, starts_at)
INDEX CREATE UNIQUE INDEX uq_portal_telehealth_request_open ON public.portal_telehealth_request USING btree (patient_id) WHERE (state = 'ASKED'::text)
INDEX CREATE UNIQUE INDEX uq_signing_certificate_active_organisation ON public.signing_certificate USING btree (owner_kind, key_kind) WHERE ((state = 'ACTIVE'::text) AND (owner_kind = 'ORGANISATION'::text))
INDEX CREATE UNIQUE INDEX uq_signing_certificate_active_staff ON public.signing_certificate USING btree (staff_id, key_kind) WHERE ((state = 'ACTIVE'::text) AND (owner_kind = 'STAFF'::text))
INDEX CREATE UNIQUE INDEX uq_signing_certificate_fingerprint ON public.signing_certificate USING btree (fingerprint)
INDEX CREATE UNIQUE INDEX uq_signing_certificate_notice_certificate_id_kind ON public.signing_certificate_notice USING btree (certificate_id, kind)
INDEX CREATE UNIQUE INDEX uq_signing_document_code ON public.signing_document USING btree (code)
INDEX CREATE UNIQUE INDEX uq_signing_enrolment_open ON public.signing_enrolment USING btree (staff_id, key_kind) NULLS NOT DISTINCT WHERE (state = 'REQUESTED'::text)
INDEX CREATE UNIQUE INDEX uq_signing_enrolment_public_key ON public.signing_enrolment USING btree (public_key)
INDEX CREATE UNIQUE INDEX uq_signing_identity_check_transaction_code ON public.signing_identity_check USING btree (transaction_code)
INDEX CREATE UNIQUE INDEX uq_signing_policy_owner_kind_staff_id_document_kind ON public.signing_policy USING btree (owner_kind, staff_id, document_kind) NULLS NOT DISTINCT
INDEX CREATE UNIQUE INDEX uq_signing_release_slot_id ON public.signing_release USING btree (slot_id)
INDEX CREATE UNIQUE INDEX uq_signing_reminder_slot_id_step ON public.signing_reminder USING btree (slot_id, step)
INDEX CREATE UNIQUE INDEX uq_signing_remote_item_live ON public.signing_remote_item USING btree (document_id) WHERE (state = 'WAITING'::text)
INDEX CREATE UNIQUE INDEX uq_signing_remote_method_reference ON public.signing_remote USING btree (method, reference)
INDEX CREATE UNIQUE INDEX uq_signing_signature_slot_id ON public.signing_signature USING btree (slot_id)
INDEX CREATE UNIQUE INDEX uq_signing_sitting_code_hash ON public.signing_sitting USING btree (code_hash)
INDEX CREATE UNIQUE INDEX uq_signing_sitting_document_sitting_id_position ON public.signing_sitting_document USING btree (sitting_id, "position")
INDEX CREATE UNIQUE INDEX uq_signing_slot_document_id_field ON public.signing_slot USING btree (document_id, field)
INDEX CREATE UNIQUE INDEX uq_signing_slot_document_id_position ON public.signing_slot USING btree (document_id, "position")
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_account FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER only_moves BEFORE DELETE OR UPDATE ON public.billing_account FOR EACH ROW EXECUTE FUNCTION billing_only_moves('state', 'due', 'ended_at', 'settled_at', 'frozen_bill')
TRIGGER CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.billing_allocation FOR EACH ROW EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_allocation FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_bank_transaction FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER only_moves BEFORE DELETE OR UPDATE ON public.billing_bank_transaction FOR EACH ROW EXECUTE FUNCTION billing_only_moves('state', 'matched_at')
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_book FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER only_moves BEFORE DELETE OR UPDATE ON public.billing_book FOR EACH ROW EXECUTE FUNCTION billing_only_moves('next_number')
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_charge FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER only_moves BEFORE DELETE OR UPDATE ON public.billing_charge FOR EACH ROW EXECUTE FUNCTION billing_only_moves('paid_request_id', 'released_at', 'voided_at')
TRIGGER CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.billing_evidence FOR EACH ROW EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_evidence FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER billing_invoice_frozen BEFORE DELETE OR UPDATE ON public.billing_invoice FOR EACH ROW EXECUTE FUNCTION billing_invoice_frozen()
TRIGGER CREATE TRIGGER billing_invoice_kept BEFORE TRUNCATE ON public.billing_invoice FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER billing_invoice_event_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.billing_invoice_event FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.billing_ledger_entry FOR EACH ROW EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE CONSTRAINT TRIGGER balances AFTER INSERT ON public.billing_ledger_entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_entry_balances()
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.billing_ledger_posting FOR EACH ROW EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE CONSTRAINT TRIGGER balances AFTER INSERT ON public.billing_ledger_posting DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_entry_balances()
TRIGGER CREATE CONSTRAINT TRIGGER held AFTER INSERT ON public.billing_ledger_posting DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (((new.amount > 0) AND (new.book = ANY (ARRAY['DEPOSIT'::text, 'EXCESS'::text])))) EXECUTE FUNCTION billing_held_money()
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_ledger_posting FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_match_proposal FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER only_moves BEFORE DELETE OR UPDATE ON public.billing_match_proposal FOR EACH ROW EXECUTE FUNCTION billing_only_moves('state', 'decided_by', 'decided_name', 'decided_at')
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_notice FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER only_moves BEFORE DELETE OR UPDATE ON public.billing_notice FOR EACH ROW EXECUTE FUNCTION billing_only_moves('verdict')
TRIGGER CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.billing_price FOR EACH ROW EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_price FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.billing_receipt FOR EACH ROW EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_receipt FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.billing_reference_key FOR EACH ROW EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_reference_key FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_request FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER only_moves BEFORE DELETE OR UPDATE ON public.billing_request FOR EACH ROW EXECUTE FUNCTION billing_only_moves('state', 'received', 'excess', 'late', 'closed_at', 'closed_reason')
TRIGGER CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.billing_request_charge FOR EACH ROW EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_request_charge FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER keep BEFORE TRUNCATE ON public.billing_shift FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER only_moves BEFORE DELETE OR UPDATE ON public.billing_shift FOR EACH ROW EXECUTE FUNCTION billing_only_moves('counted', 'expected', 'difference', 'reason', 'closed_at')
TRIGGER CREATE TRIGGER lock_with_sheet BEFORE UPDATE ON public.emr_order FOR EACH ROW WHEN ((((((((((old.visit_id IS DISTINCT FROM new.visit_id) OR (old.patient_id IS DISTINCT FROM new.patient_id)) OR (old.service_code IS DISTINCT FROM new.service_code)) OR (old.service_name IS DISTINCT FROM new.service_name)) OR (old.quantity IS DISTINCT FROM new.quantity)) OR (old.in_scope IS DISTINCT FROM new.in_scope)) OR (old.on_demand IS DISTINCT FROM new.on_demand)) OR (old.note IS DISTINCT FROM new.note)) OR (old.number IS DISTINCT FROM new.number))) EXECUTE FUNCTION emr_lock_order_of_sheet()
TRIGGER CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.emr_patient_version FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER lock_with_sheet BEFORE INSERT OR DELETE OR UPDATE ON public.emr_prescription FOR EACH ROW EXECUTE FUNCTION emr_lock_sheet_child()
TRIGGER CREATE TRIGGER lock_with_sheet BEFORE INSERT OR DELETE OR UPDATE ON public.emr_prescription_line FOR EACH ROW EXECUTE FUNCTION emr_lock_sheet_child()
TRIGGER CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.emr_result FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER emr_scan_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.emr_scan FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER lock_sheet BEFORE DELETE OR UPDATE ON public.emr_sheet FOR EACH ROW EXECUTE FUNCTION emr_lock_sheet()
TRIGGER CREATE TRIGGER lock_with_sheet BEFORE INSERT OR DELETE OR UPDATE ON public.emr_sheet_diagnosis FOR EACH ROW EXECUTE FUNCTION emr_lock_sheet_child()
TRIGGER CREATE TRIGGER lock_with_sheet BEFORE INSERT OR DELETE OR UPDATE ON public.emr_sheet_order FOR EACH ROW EXECUTE FUNCTION emr_lock_sheet_child()
TRIGGER CREATE TRIGGER insurance_parameter_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.insurance_parameter FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER kernel_audit_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.kernel_audit FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER kernel_audit_block_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.kernel_audit_block FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER kernel_audit_checkpoint_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.kernel_audit_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER signing_close_keys AFTER UPDATE OF ended_at ON public.kernel_staff_session FOR EACH ROW WHEN ((new.ended_at IS NOT NULL)) EXECUTE FUNCTION signing_close_keys()
TRIGGER CREATE TRIGGER portal_consent_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.portal_consent FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER signing_archived_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.signing_archived FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER signing_delegation_keep BEFORE DELETE OR UPDATE ON public.signing_delegation FOR EACH ROW EXECUTE FUNCTION signing_keep_delegation()
TRIGGER CREATE TRIGGER signing_document_keep BEFORE DELETE OR UPDATE ON public.signing_document FOR EACH ROW EXECUTE FUNCTION signing_keep_document()
TRIGGER CREATE TRIGGER signing_enrolment_keep BEFORE UPDATE ON public.signing_enrolment FOR EACH ROW EXECUTE FUNCTION signing_keep_enrolment()
TRIGGER CREATE TRIGGER signing_handover_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.signing_handover FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER signing_identity_check_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.signing_identity_check FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER signing_refusal_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.signing_refusal FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER signing_rehearsal_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.signing_rehearsal FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER signing_release_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.signing_release FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER signing_reminder_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.signing_reminder FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER signing_remote_keep BEFORE UPDATE ON public.signing_remote FOR EACH ROW EXECUTE FUNCTION signing_keep_remote()
TRIGGER CREATE TRIGGER signing_remote_item_keep BEFORE UPDATE ON public.signing_remote_item FOR EACH ROW EXECUTE FUNCTION signing_keep_remote_item()
TRIGGER CREATE TRIGGER signing_signature_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.signing_signature FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER signing_sitting_keep BEFORE DELETE OR UPDATE ON public.signing_sitting FOR EACH ROW EXECUTE FUNCTION signing_keep_sitting()
TRIGGER CREATE TRIGGER signing_sitting_document_keep BEFORE DELETE OR UPDATE ON public.signing_sitting_document FOR EACH ROW EXECUTE FUNCTION signing_keep_sitting_document()
TRIGGER CREATE TRIGGER signing_sitting_witness_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.signing_sitting_witness FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
TRIGGER CREATE TRIGGER signing_slot_asked BEFORE UPDATE ON public.signing_slot FOR EACH ROW EXECUTE FUNCTION signing_keep_asked()
TRIGGER CREATE TRIGGER signing_slot_keep BEFORE DELETE OR UPDATE ON public.signing_slot FOR EACH ROW EXECUTE FUNCTION signing_keep_slot()
TRIGGER CREATE TRIGGER signing_verified_phone_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.signing_verified_phone FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()
FUNCTION CREATE OR REPLACE FUNCTION public.billing_entry_balances()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        DECLARE entry uuid; total numeric; sides bigint;
        BEGIN
            IF TG_TABLE_NAME = 'billing_ledger_entry' THEN entry := NEW.id; ELSE entry := NEW.entry_id; END IF;
            SELECT sum(amount), count(*) INTO total, sides FROM billing_ledger_posting WHERE entry_id = entry;
            IF sides < 2 OR total <> 0 THEN
                RAISE EXCEPTION 'ledger entry % does not balance', entry
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_billing_ledger_entry_balances';
            END IF;
            RETURN NULL;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.billing_held_money()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            IF (SELECT sum(amount) FROM billing_ledger_posting
                WHERE account_id = NEW.account_id AND book = NEW.book) > 0 THEN
                RAISE EXCEPTION 'account % gives back more than it holds in %', NEW.account_id, NEW.book
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_billing_ledger_posting_held';
            END IF;
            RETURN NULL;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.billing_invoice_frozen()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            IF TG_OP <> 'UPDATE' THEN
                RAISE EXCEPTION 'an invoice is never deleted' USING ERRCODE = 'restrict_violation';
            END IF;
            IF OLD.number IS NOT NULL AND (NEW.kind, NEW.symbol, NEW.number, NEW.issued_on)
                IS DISTINCT FROM (OLD.kind, OLD.symbol, OLD.number, OLD.issued_on) THEN
                RAISE EXCEPTION 'a numbered invoice keeps its number' USING ERRCODE = 'restrict_violation';
            END IF;
            IF OLD.state IN ('coded', 'delivered') AND (NEW.content, NEW.total, NEW.tax_code, NEW.archived_sha256)
                IS DISTINCT FROM (OLD.content, OLD.total, OLD.tax_code, OLD.archived_sha256) THEN
                RAISE EXCEPTION 'a coded invoice is never changed' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.billing_only_moves()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            IF TG_OP <> 'UPDATE' OR (to_jsonb(OLD) - TG_ARGV::text[]) <> (to_jsonb(NEW) - TG_ARGV::text[]) THEN
                RAISE EXCEPTION '%: % refused, only % may change', TG_TABLE_NAME, TG_OP, TG_ARGV
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.emr_lock_order_of_sheet()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            IF EXISTS (
                SELECT FROM emr_sheet_order link JOIN emr_sheet sheet ON sheet.id = link.sheet_id
                WHERE link.order_id = OLD.id AND sheet.state NOT IN ('DRAFT', 'CANCELLED')
            ) THEN
                RAISE EXCEPTION 'emr_order % is locked by its sheet', OLD.id USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.emr_lock_sheet()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                RAISE EXCEPTION 'emr_sheet % is never deleted', OLD.id USING ERRCODE = 'restrict_violation';
            END IF;
            IF OLD.state = 'DRAFT' THEN
                IF NEW.state NOT IN ('DRAFT', 'COMPLETED', 'CANCELLED') THEN
                    RAISE EXCEPTION 'emr_sheet % can not move from DRAFT to %', OLD.id, NEW.state
                        USING ERRCODE = 'restrict_violation';
                END IF;
                RETURN NEW;
            END IF;
            IF (OLD.state, NEW.state) NOT IN (
                ('COMPLETED', 'COMPLETED'), ('COMPLETED', 'SIGNED'), ('COMPLETED', 'SUPERSEDED'),
                ('SIGNED', 'SIGNED'), ('SIGNED', 'SUPERSEDED'), ('SUPERSEDED', 'SUPERSEDED')
            ) OR (to_jsonb(NEW) - '{state,author_signed_at,signed_at,signed_sha256,refused_reason}'::text[])
                 <> (to_jsonb(OLD) - '{state,author_signed_at,signed_at,signed_sha256,refused_reason}'::text[]) THEN
                RAISE EXCEPTION 'emr_sheet % is locked (%)', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.emr_lock_sheet_child()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        DECLARE
            parent uuid;
            parents uuid[] := CASE TG_OP
                WHEN 'INSERT' THEN ARRAY[NEW.sheet_id]
                WHEN 'DELETE' THEN ARRAY[OLD.sheet_id]
                ELSE ARRAY[OLD.sheet_id, NEW.sheet_id] END;
            parent_state text;
        BEGIN
            FOREACH parent IN ARRAY parents LOOP
                SELECT state INTO parent_state FROM emr_sheet WHERE id = parent FOR SHARE;
                IF parent_state <> 'DRAFT' THEN
                    RAISE EXCEPTION '% of emr_sheet % is locked (%)', TG_TABLE_NAME, parent, parent_state
                        USING ERRCODE = 'restrict_violation';
                END IF;
            END LOOP;
            RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.emr_next_code(prefix text, year integer, numbers regclass)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
        DECLARE n text := nextval(numbers)::text;
        BEGIN
            RETURN prefix || lpad((year % 100)::text, 2, '0') || lpad(n, greatest(6, length(n)), '0');
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.lanh_append_only()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.signing_close_keys()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            DELETE FROM signing_unlocked_key WHERE session_id = NEW.id;
            RETURN NULL;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.signing_keep_asked()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            IF (OLD.asked_id IS NOT NULL OR OLD.asked_role IS NOT NULL)
               AND (OLD.asked_id, OLD.asked_role, OLD.asked_department)
                   IS DISTINCT FROM (NEW.asked_id, NEW.asked_role, NEW.asked_department)
            THEN
                RAISE EXCEPTION 'who was asked first is never forgotten' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.signing_keep_delegation()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL
               OR (OLD.id, OLD.capacity, OLD.giver_id, OLD.giver_name, OLD.role, OLD.department, OLD.taker_id,
                   OLD.basis, OLD.starts_at, OLD.ends_at, OLD.given_at)
                  IS DISTINCT FROM
                  (NEW.id, NEW.capacity, NEW.giver_id, NEW.giver_name, NEW.role, NEW.department, NEW.taker_id,
                   NEW.basis, NEW.starts_at, NEW.ends_at, NEW.given_at)
            THEN
                RAISE EXCEPTION 'a mandate is ended, never edited' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.signing_keep_document()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                RAISE EXCEPTION 'a document is never deleted' USING ERRCODE = 'restrict_violation';
            END IF;
            IF (OLD.code, OLD.kind, OLD.title, OLD.subject, OLD.patient_id, OLD.author_id, OLD.base_sha256,
                OLD.supersedes, OLD.created_at)
               IS DISTINCT FROM
               (NEW.code, NEW.kind, NEW.title, NEW.subject, NEW.patient_id, NEW.author_id, NEW.base_sha256,
                NEW.supersedes, NEW.created_at)
            THEN
                RAISE EXCEPTION 'the origin of a document never changes' USING ERRCODE = 'restrict_violation';
            END IF;
            IF OLD.state <> 'PENDING' AND NEW.head_sha256 <> OLD.head_sha256 THEN
                RAISE EXCEPTION 'a finished document never changes' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.signing_keep_enrolment()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            IF OLD.state <> 'REQUESTED' THEN
                RAISE EXCEPTION 'an enrolment ends once' USING ERRCODE = 'restrict_violation';
            END IF;
            IF (OLD.id, OLD.owner_kind, OLD.staff_id, OLD.key_kind, OLD.key_name, OLD.algorithm, OLD.subject,
                OLD.request, OLD.public_key, OLD.requested_at, OLD.requested_by)
               IS DISTINCT FROM
               (NEW.id, NEW.owner_kind, NEW.staff_id, NEW.key_kind, NEW.key_name, NEW.algorithm, NEW.subject,
                NEW.request, NEW.public_key, NEW.requested_at, NEW.requested_by)
            THEN
                RAISE EXCEPTION 'what was asked for stays' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.signing_keep_remote()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            IF OLD.state IN ('SIGNED', 'CANCELLED', 'TIMED_OUT', 'FAILED') OR (OLD.state = 'PREPARED' AND NEW.state = 'SIGNED')
               OR (OLD.state = 'WAITING' AND NEW.state = 'PREPARED')
            THEN
                RAISE EXCEPTION 'a sitting goes forward only' USING ERRCODE = 'restrict_violation';
            END IF;
            IF (OLD.staff_id, OLD.certificate_id, OLD.fingerprint, OLD.method, OLD.scheme, OLD.created_at)
               IS DISTINCT FROM
               (NEW.staff_id, NEW.certificate_id, NEW.fingerprint, NEW.method, NEW.scheme, NEW.created_at)
            THEN
                RAISE EXCEPTION 'the certificate of a sitting is pinned' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.signing_keep_remote_item()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            IF OLD.state <> 'WAITING' OR (OLD.value IS NOT NULL AND NEW.value IS DISTINCT FROM OLD.value) THEN
                RAISE EXCEPTION 'what came of a document stays' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.signing_keep_sitting()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.state IN ('SEALED', 'REFUSED', 'EXPIRED', 'CANCELLED')
               OR NEW.kind <> OLD.kind OR (NEW.state <> OLD.state AND NOT (
    (OLD.state = 'OPEN' AND NEW.state IN ('EXPIRED', 'CANCELLED'))
    OR (OLD.state = 'OPEN' AND NEW.kind = 'TABLET' AND NEW.state IN ('SHOWN', 'REFUSED'))
    OR (OLD.state = 'OPEN' AND NEW.kind <> 'TABLET' AND NEW.state = 'SIGNED')
    OR (OLD.state = 'SHOWN' AND NEW.kind = 'TABLET' AND NEW.state IN ('SIGNED', 'REFUSED', 'EXPIRED', 'CANCELLED'))
    OR (OLD.state = 'SIGNED' AND NEW.state IN ('SEALED', 'CANCELLED'))
)) THEN
                RAISE EXCEPTION 'a sitting never goes back' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.signing_keep_sitting_document()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.sealed_at IS NOT NULL
               OR (OLD.sha256, OLD.slot_id, OLD.size) IS DISTINCT FROM (NEW.sha256, NEW.slot_id, NEW.size)
               OR (OLD.bundle_sha256 IS NOT NULL AND OLD.bundle_sha256 IS DISTINCT FROM NEW.bundle_sha256) THEN
                RAISE EXCEPTION 'what was listed and signed never changes' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $function$
FUNCTION CREATE OR REPLACE FUNCTION public.signing_keep_slot()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            IF OLD.state = 'SIGNED' OR TG_OP = 'DELETE' THEN
                RAISE EXCEPTION 'a signed slot never changes' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $function$
VIEW emr_v_order AS  SELECT emr_order.id,
    emr_order.number,
    emr_order.visit_id,
    emr_order.episode_id,
    emr_order.patient_id,
    emr_order.service_code,
    emr_order.service_name,
    emr_order.kind,
    emr_order.quantity,
    emr_order.payer,
    emr_order.setting,
    emr_order.priority,
    emr_order.in_scope,
    emr_order.on_demand,
    emr_order.room_code,
    emr_order.state,
    emr_order.released_by,
    emr_order.ordered_by,
    emr_order.ordered_name,
    emr_order.placed_at,
    emr_order.released_at,
    emr_order.performed_at,
    emr_order.reported_at,
    emr_order.approved_at,
    emr_order.voided_at
   FROM emr_order;
VIEW emr_v_patient AS  SELECT emr_patient.id,
    emr_patient.code,
    emr_patient.name,
    emr_patient.name_key,
    emr_patient.birth_date,
    emr_patient.birth_precision,
    emr_patient.sex,
    emr_patient.citizen_id,
    emr_patient.insurance_no,
    emr_patient.phone,
    emr_patient.address,
    emr_patient.ward_code,
    emr_patient.province_code,
    emr_patient.ethnic_code,
    emr_patient.nationality,
    emr_patient.occupation,
    emr_patient.allergies,
    emr_patient.registered_at
   FROM emr_patient;
VIEW emr_v_visit AS  SELECT visit.id,
    visit.number,
    visit.episode_id,
    episode.code AS episode_code,
    visit.patient_id,
    visit.payer,
    visit.setting,
    visit.room_code,
    room.name AS room_name,
    visit.department_code,
    visit.service_code,
    visit.reason,
    visit.state,
    visit.insurance,
    visit.identified_by,
    visit.opened_at,
    visit.started_at,
    visit.ended_at,
    visit.outcome,
    visit.doctor_id,
    visit.doctor_name,
    episode.state AS episode_state,
    episode.stay_open,
    episode.opened_at AS episode_opened_at,
    episode.closed_at AS episode_closed_at
   FROM ((emr_visit visit
     JOIN emr_episode episode ON ((episode.id = visit.episode_id)))
     JOIN emr_room room ON ((room.code = visit.room_code)));
GRANT SELECT ON alembic_version TO lanh_app
GRANT INSERT, SELECT, UPDATE ON billing_account TO lanh_app
GRANT INSERT, SELECT ON billing_allocation TO lanh_app
GRANT INSERT, SELECT, UPDATE ON billing_bank_transaction TO lanh_app
GRANT INSERT, SELECT, UPDATE ON billing_book TO lanh_app
GRANT INSERT, SELECT, UPDATE ON billing_charge TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON billing_counter TO lanh_app
GRANT INSERT, SELECT ON billing_evidence TO lanh_app
GRANT INSERT, SELECT, UPDATE ON billing_invoice TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON billing_invoice_due TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON billing_invoice_episode TO lanh_app
GRANT INSERT, SELECT ON billing_invoice_event TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON billing_invoice_receipt TO lanh_app
GRANT INSERT, SELECT, UPDATE ON billing_invoice_series TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON billing_invoice_wish TO lanh_app
GRANT INSERT, SELECT ON billing_ledger_entry TO lanh_app
GRANT INSERT, SELECT ON billing_ledger_posting TO lanh_app
GRANT INSERT, SELECT, UPDATE ON billing_match_proposal TO lanh_app
GRANT INSERT, SELECT, UPDATE ON billing_notice TO lanh_app
GRANT INSERT, SELECT ON billing_paper TO lanh_app
GRANT INSERT, SELECT ON billing_price TO lanh_app
GRANT INSERT, SELECT ON billing_receipt TO lanh_app
GRANT SELECT ON billing_reference_key TO lanh_app
GRANT INSERT, SELECT, UPDATE ON billing_refund TO lanh_app
GRANT INSERT, SELECT, UPDATE ON billing_request TO lanh_app
GRANT INSERT, SELECT ON billing_request_charge TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON billing_screen TO lanh_app
GRANT INSERT, SELECT, UPDATE ON billing_shift TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON emr_bed TO lanh_app
GRANT INSERT, SELECT, UPDATE ON emr_bed_use TO lanh_app
GRANT INSERT, SELECT, UPDATE ON emr_credit TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON emr_department TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON emr_drug TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON emr_duty TO lanh_app
GRANT INSERT, SELECT, UPDATE ON emr_emergency_access TO lanh_app
GRANT INSERT, SELECT, UPDATE ON emr_episode TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON emr_ethnic_group TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON emr_icd10 TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON emr_icd10_pair TO lanh_app
GRANT INSERT, SELECT, UPDATE ON emr_order TO lanh_app
GRANT INSERT, SELECT, UPDATE ON emr_patient TO lanh_app
GRANT INSERT, SELECT, UPDATE ON emr_patient_identifier TO lanh_app
GRANT INSERT, SELECT ON emr_patient_version TO lanh_app
GRANT INSERT, SELECT, UPDATE ON emr_prescription TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON emr_prescription_line TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON emr_province TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON emr_queue_day TO lanh_app
GRANT INSERT, SELECT ON emr_result TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON emr_room TO lanh_app
GRANT INSERT, SELECT ON emr_scan TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON emr_service TO lanh_app
GRANT INSERT, SELECT, UPDATE ON emr_sheet TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON emr_sheet_diagnosis TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON emr_sheet_order TO lanh_app
GRANT INSERT, SELECT, UPDATE ON emr_stay TO lanh_app
GRANT INSERT, SELECT, UPDATE ON emr_ticket TO lanh_app
GRANT SELECT ON emr_v_order TO lanh_app
GRANT SELECT ON emr_v_patient TO lanh_app
GRANT SELECT ON emr_v_visit TO lanh_app
GRANT INSERT, SELECT, UPDATE ON emr_visit TO lanh_app
GRANT INSERT, SELECT, UPDATE ON emr_vitals TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON emr_ward TO lanh_app
GRANT INSERT, SELECT ON insurance_parameter TO lanh_app
GRANT INSERT, SELECT ON kernel_audit TO lanh_app
GRANT INSERT, SELECT ON kernel_audit_block TO lanh_app
GRANT INSERT, SELECT ON kernel_audit_checkpoint TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON kernel_job TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON kernel_periodic TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON kernel_staff_account TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON kernel_staff_session TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON kiosk_arrival TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON kiosk_device TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON portal_account TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON portal_booking TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON portal_code_request TO lanh_app
GRANT INSERT, SELECT ON portal_consent TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON portal_device TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON portal_schedule TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON portal_session TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON portal_slot TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON portal_telehealth_request TO lanh_app
GRANT INSERT, SELECT ON signing_archived TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON signing_certificate TO lanh_app
GRANT INSERT, SELECT, UPDATE ON signing_certificate_notice TO lanh_app
GRANT INSERT, SELECT, UPDATE ON signing_delegation TO lanh_app
GRANT INSERT, SELECT, UPDATE ON signing_document TO lanh_app
GRANT INSERT, SELECT, UPDATE ON signing_enrolment TO lanh_app
GRANT INSERT, SELECT ON signing_handover TO lanh_app
GRANT INSERT, SELECT ON signing_identity_check TO lanh_app
GRANT INSERT, SELECT, UPDATE ON signing_phone_code TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON signing_pin_tries TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON signing_policy TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON signing_public_try TO lanh_app
GRANT INSERT, SELECT ON signing_refusal TO lanh_app
GRANT INSERT, SELECT ON signing_rehearsal TO lanh_app
GRANT INSERT, SELECT ON signing_release TO lanh_app
GRANT INSERT, SELECT ON signing_reminder TO lanh_app
GRANT INSERT, SELECT, UPDATE ON signing_remote TO lanh_app
GRANT INSERT, SELECT, UPDATE ON signing_remote_item TO lanh_app
GRANT INSERT, SELECT ON signing_signature TO lanh_app
GRANT INSERT, SELECT, UPDATE ON signing_sitting TO lanh_app
GRANT INSERT, SELECT, UPDATE ON signing_sitting_document TO lanh_app
GRANT INSERT, SELECT ON signing_sitting_witness TO lanh_app
GRANT INSERT, SELECT, UPDATE ON signing_slot TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON signing_unlocked_key TO lanh_app
GRANT DELETE, INSERT, SELECT, UPDATE ON signing_verdict TO lanh_app
GRANT INSERT, SELECT ON signing_verified_phone TO lanh_app
