"""Answers of the legacy routes; their keys are the contract's."""

from typing import Literal

import msgspec

from gateway.schemas.scalars import Day, Id, Microseconds, Milliseconds, Text
from gateway.times import milliseconds_or_none, to_microseconds, to_milliseconds
from plaza.auth.v1 import resume_pb2
from plaza.auth.v1.auth_service_pb2 import LoginResponse
from plaza.auth.v1.profile_service_pb2 import Profile as ProfileMessage
from plaza.auth.v1.resume_service_pb2 import GetResumeResponse


class Registered(msgspec.Struct):
    """An account was made."""

    msg: Text
    user_id: Id


class LoggedIn(msgspec.Struct):
    """A session was opened."""

    token: str
    refresh_token: str
    expires_in: int
    user_id: Id
    username: str
    msg: Text

    @classmethod
    def of(cls, response: LoginResponse, msg: str) -> "LoggedIn":
        """Return what the service answered."""
        tokens = response.tokens
        return cls(
            tokens.access_token,
            tokens.refresh_token,
            tokens.expires_in_seconds,
            response.user_id,
            response.username,
            msg,
        )


class Done(msgspec.Struct):
    """It worked."""

    msg: Text
    success: Literal[True] = True


class ResumeBasics(msgspec.Struct):
    """A resume without its items."""

    id: Id
    name: str
    age: int
    graduation_date: Day
    education_level: str
    expected_position: str
    created_at: Microseconds
    updated_at: Microseconds

    @classmethod
    def of(cls, basics: resume_pb2.ResumeBasics) -> "ResumeBasics":
        """Return what the service keeps."""
        fields = basics.fields
        return cls(
            basics.id,
            fields.name,
            fields.age,
            fields.graduation_date,
            fields.education_level,
            fields.expected_position,
            to_microseconds(basics.created_time),
            to_microseconds(basics.updated_time),
        )


class Profile(msgspec.Struct):
    """What a user keeps about themselves."""

    id: Id
    username: str
    email: str
    first_name: str
    last_name: str
    phone: str | None
    avatar: str | None
    date_joined: Milliseconds
    last_login: Milliseconds | None
    resume: ResumeBasics | None

    @classmethod
    def of(cls, profile: ProfileMessage) -> "Profile":
        """Return what the service keeps."""
        return cls(
            profile.id,
            profile.username,
            profile.email,
            profile.first_name,
            profile.last_name,
            profile.phone if profile.HasField("phone") else None,
            profile.avatar if profile.HasField("avatar") else None,
            to_milliseconds(profile.joined_time),
            milliseconds_or_none(profile, "last_login_time"),
            ResumeBasics.of(profile.resume) if profile.HasField("resume") else None,
        )


class ProfileAnswer(msgspec.Struct):
    """The caller's profile."""

    profile: Profile
    success: Literal[True] = True


class WorkExperience(msgspec.Struct):
    """A job."""

    id: Id
    start_date: Day
    end_date: Day | None
    company_name: str
    department: str | None
    position: str | None
    work_content: str
    is_internship: bool

    @classmethod
    def of(cls, item: resume_pb2.ResumeItem) -> "WorkExperience":
        """Return what the service keeps."""
        work = item.work
        return cls(
            item.id,
            work.start_date,
            work.end_date if work.HasField("end_date") else None,
            work.company_name,
            work.department if work.HasField("department") else None,
            work.position if work.HasField("position") else None,
            work.work_content,
            work.is_internship,
        )


class ProjectExperience(msgspec.Struct):
    """A project."""

    id: Id
    start_date: Day
    end_date: Day | None
    project_name: str
    project_role: str
    project_link: str | None
    project_content: str

    @classmethod
    def of(cls, item: resume_pb2.ResumeItem) -> "ProjectExperience":
        """Return what the service keeps."""
        project = item.project
        return cls(
            item.id,
            project.start_date,
            project.end_date if project.HasField("end_date") else None,
            project.project_name,
            project.project_role,
            project.project_link if project.HasField("project_link") else None,
            project.project_content,
        )


class EducationExperience(msgspec.Struct):
    """A school."""

    id: Id
    start_date: Day
    end_date: Day | None
    school_name: str
    education_level: str
    major: str | None
    school_experience: str | None

    @classmethod
    def of(cls, item: resume_pb2.ResumeItem) -> "EducationExperience":
        """Return what the service keeps."""
        education = item.education
        return cls(
            item.id,
            education.start_date,
            education.end_date if education.HasField("end_date") else None,
            education.school_name,
            education.education_level,
            education.major if education.HasField("major") else None,
            education.school_experience if education.HasField("school_experience") else None,
        )


class CustomSection(msgspec.Struct):
    """A section of the owner's own making."""

    id: Id
    title: str
    content: str

    @classmethod
    def of(cls, item: resume_pb2.ResumeItem) -> "CustomSection":
        """Return what the service keeps."""
        return cls(item.id, item.custom.title, item.custom.content)


class Resume(ResumeBasics):
    """A resume with its items."""

    work_experiences: list[WorkExperience]
    project_experiences: list[ProjectExperience]
    education_experiences: list[EducationExperience]
    custom_sections: list[CustomSection]

    @classmethod
    def whole(cls, response: GetResumeResponse) -> "Resume":
        """Return what the service keeps, each kind in the service's order."""
        items: dict[str, list[resume_pb2.ResumeItem]] = {"work": [], "project": [], "education": [], "custom": []}
        for item in response.items:
            items[item.WhichOneof("fields") or "custom"].append(item)
        return cls(
            **msgspec.structs.asdict(ResumeBasics.of(response.basics)),
            work_experiences=[WorkExperience.of(item) for item in items["work"]],
            project_experiences=[ProjectExperience.of(item) for item in items["project"]],
            education_experiences=[EducationExperience.of(item) for item in items["education"]],
            custom_sections=[CustomSection.of(item) for item in items["custom"]],
        )


class ResumeAnswer(msgspec.Struct):
    """The caller's resume; `msg` only when there is none."""

    resume: Resume | None
    success: Literal[True] = True
    msg: Text | msgspec.UnsetType = msgspec.UNSET


class ResumeSaved(msgspec.Struct):
    """The resume was made or changed."""

    msg: Text
    resume_id: Id
    success: Literal[True] = True


class WorkSaved(msgspec.Struct):
    """A job was added or changed."""

    msg: Text
    work_experience_id: Id
    work_experience: WorkExperience
    success: Literal[True] = True


class ProjectSaved(msgspec.Struct):
    """A project was added or changed."""

    msg: Text
    project_experience_id: Id
    project_experience: ProjectExperience
    success: Literal[True] = True


class EducationSaved(msgspec.Struct):
    """A school was added or changed."""

    msg: Text
    education_experience_id: Id
    education_experience: EducationExperience
    success: Literal[True] = True


class CustomSaved(msgspec.Struct):
    """A custom section was added or changed."""

    msg: Text
    custom_section_id: Id
    custom_section: CustomSection
    success: Literal[True] = True
