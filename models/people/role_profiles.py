"""Container `users`: what somebody says of themselves as a pupil, a teacher or a parent: one of each for each user.

They describe and grant nothing: what somebody may do follows from their memberships, and whose guardian they are from
guardianships.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints

from models.core.fields import EDITABLE, SHOWN
from models.core.kinds import OF_SINGLE, Kind, Plain
from models.core.open_maps import small_map
from models.core.resource import Resource
from models.core.values import Label, Uuid

Grade = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)]
"""A year at school, as the school calls it, such as `4`, `K` or `Year 10`."""

Labels = Annotated[list[Label], Field(max_length=100), AfterValidator(lambda values: list(dict.fromkeys(values)))]
SomeLabels = Annotated[Labels, Field(min_length=1)]
Settings = Annotated[dict[str, Any], AfterValidator(small_map)]


class RoleProfile(Resource):
    """What somebody says of themselves in one of their roles."""

    container: ClassVar[str] = "users"

    partition_key: Uuid
    user_id: Annotated[Uuid, SHOWN] = Field(description="Whose it is; same as `partition_key`")


class StudentProfile(RoleProfile):
    """What a pupil says of what they learn."""

    kind: Literal["student_profile"] = "student_profile"
    grade_level: Annotated[Grade, EDITABLE] = Field(description="Their year at school")
    section: Annotated[Label | None, EDITABLE] = Field(default=None, description="Their part of it, such as B")
    subjects: Annotated[SomeLabels, EDITABLE] = Field(description="What they learn")
    learning_preferences: Annotated[Settings, EDITABLE] = Field(
        default_factory=dict, description="How they like to learn; 4 kB at most"
    )
    weak_subjects: Annotated[Labels, EDITABLE] = Field(default_factory=list, description="Where they want help")
    performance_metrics: Annotated[Settings, EDITABLE] = Field(
        default_factory=dict, description="What the client measures; 4 kB at most"
    )


class TeacherProfile(RoleProfile):
    """What a teacher says of what they teach."""

    kind: Literal["teacher_profile"] = "teacher_profile"
    subjects: Annotated[Labels, EDITABLE] = Field(default_factory=list, description="What they teach")
    grades: Annotated[Annotated[list[Grade], Field(max_length=100)], EDITABLE] = Field(
        default_factory=list, description="The years that they teach"
    )
    department: Annotated[Label | None, EDITABLE] = Field(default=None, description="Where they belong at the school")
    classes_taught: Annotated[Labels, EDITABLE] = Field(default_factory=list, description="Their classes, such as 5A")
    teaching_experience: Annotated[Annotated[int, Field(ge=0, le=80)] | None, EDITABLE] = Field(
        default=None, description="In whole years"
    )
    specializations: Annotated[Labels, EDITABLE] = Field(default_factory=list, description="What they know best")


class ParentProfile(RoleProfile):
    """What a parent says of what they want to be told."""

    kind: Literal["parent_profile"] = "parent_profile"
    notification_preferences: Annotated[Settings, EDITABLE] = Field(
        default_factory=dict, description="What they want to be told of their children; 4 kB at most"
    )


STUDENT_PROFILE = Kind(
    model=StudentProfile,
    capability="people",
    plain=Plain(
        path="me/student-profile",
        one="student profile",
        many="student profiles",
        single=True,
        verbs=OF_SINGLE,
        example={
            "grade_level": "4",
            "section": "B",
            "subjects": ["mathematics", "science"],
            "learning_preferences": {"pace": "slow", "examples_first": True},
            "weak_subjects": ["fractions"],
        },
        changes={"grade_level": "5", "weak_subjects": []},
    ),
    importable=True,
)

TEACHER_PROFILE = Kind(
    model=TeacherProfile,
    capability="people",
    plain=Plain(
        path="me/teacher-profile",
        one="teacher profile",
        many="teacher profiles",
        single=True,
        verbs=OF_SINGLE,
        example={
            "subjects": ["physics"],
            "grades": ["9", "10"],
            "classes_taught": ["9A", "10C"],
            "teaching_experience": 12,
        },
        changes={"department": "Science", "teaching_experience": 13},
    ),
    importable=True,
)

PARENT_PROFILE = Kind(
    model=ParentProfile,
    capability="people",
    plain=Plain(
        path="me/parent-profile",
        one="parent profile",
        many="parent profiles",
        single=True,
        verbs=OF_SINGLE,
        example={"notification_preferences": {"weekly_report": True}},
        changes={"notification_preferences": {"weekly_report": False, "marks": True}},
    ),
    importable=True,
)
