from plaza.auth.v1 import profile_service_pb2 as profile_pb
from plaza.auth.v1 import resume_service_pb2 as resume_pb
from plaza.auth.v1 import resume_pb2


async def test_path(auth):
    alice = await auth.signed_in()
    profile = (await auth.call("GetProfile", profile_pb.GetProfileRequest(), alice)).profile
    assert profile.username == "alice"
    saved = await auth.call("SaveResume", resume_pb.SaveResumeRequest(fields=resume_pb2.ResumeFields(name="n", age=3, graduation_date="2024-06-01", education_level="a", expected_position="p")), alice)
    assert saved.was_created
    item = await auth.call("CreateItem", resume_pb.CreateItemRequest(item=resume_pb2.ResumeItem(work=resume_pb2.WorkExperience(start_date="2023-01-01", company_name="X", work_content="w", end_date=""))), alice)
    print(item)
    print(await auth.call("GetResume", resume_pb.GetResumeRequest(), alice))
